#include "contract/account_backends.h"

#include <tracking/backends.h>
#include <tracking/postgres.h>
#include <tracking/sqlite.h>
#include <tracking/testing.h>

#include <stdlib.h>

#include <filesystem>

#include "support/postgres_server.h"

namespace tracking::contract {
namespace {

class MemoryStore final : public AccountStore {
 public:
  std::unique_ptr<AccountRepository> open() override {
    BackendContext context{.url = BackendUrl::parse("memory:").value()};
    return Backends().open_accounts(context).value();
  }
};

/// A decorator that does nothing must not be noticed.
class FaultyStore final : public AccountStore {
 public:
  std::unique_ptr<AccountRepository> open() override {
    return std::make_unique<testing::FaultyRepository>(MemoryStore().open(), std::make_shared<testing::Faults>());
  }
};

class SqliteStore final : public AccountStore {
 public:
  SqliteStore() {
    std::string name = (std::filesystem::temp_directory_path() / "tracking-accounts-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SqliteStore() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::unique_ptr<AccountRepository> open() override {
    BackendContext context{.url = BackendUrl::parse("sqlite:below/accounts.db").value(), .data_dir = folder_};
    return Backends({sqlite()}).open_accounts(context).value();
  }

 private:
  std::filesystem::path folder_;
};

class PostgresStore final : public AccountStore {
 public:
  std::unique_ptr<AccountRepository> open() override {
    BackendContext context{.url = BackendUrl::parse(server_.url(database_)).value()};
    return Backends({postgres()}).open_accounts(context).value();
  }

 private:
  test::PostgresServer& server_ = test::PostgresServer::shared();
  const std::string database_ = server_.new_database();
};

template <class Store>
AccountBackend backend(std::string name) {
  return {std::move(name), [] { return std::make_unique<Store>(); }};
}

}  // namespace

std::vector<AccountBackend> account_backends() {
  return {backend<MemoryStore>("memory"), backend<FaultyStore>("faulty"), backend<SqliteStore>("sqlite"),
          backend<PostgresStore>("postgres")};
}

}  // namespace tracking::contract
