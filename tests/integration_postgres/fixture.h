// A database of its own for each test, on one server.
#pragma once

#include <tracking/postgres.h>
#include <tracking/tracking.h>

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "support/postgres_server.h"

namespace tracking::test {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// For what has no bound of its own: the machine may be busy.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = 20s) {
  const auto deadline = Steady::now() + limit;
  while (!condition()) {
    if (Steady::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Keeps what the library logs.
class Notes {
 public:
  Log log() {
    return [this](LogLevel, std::string_view message) {
      std::lock_guard lock(mutex_);
      text_.append(message).append("\n");
    };
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }
  bool has(const std::string& words) { return text().find(words) != std::string::npos; }

 private:
  std::mutex mutex_;
  std::string text_;
};

class PostgresTest : public ::testing::Test {
 protected:
  PostgresTest() = default;
  ~PostgresTest() override {
    server_.thaw();
    server_.start();
  }

  std::string sql(const std::string& statements) { return server_.sql(database_, statements); }
  std::string url(const std::string& query = "") { return server_.url(database_, query); }
  std::unique_ptr<AccountRepository> open(const std::string& at) {
    BackendContext context{.url = BackendUrl::parse(at).value(), .log = notes_.log()};
    return Backends({postgres()}).open_accounts(context).value();
  }
  std::unique_ptr<AccountRepository> open() { return open(url()); }
  /// A role that may do with the table what it is granted, and nothing else.
  std::string url_of_role(const std::string& grants) {
    const std::string role = "role_of_" + database_;
    sql("CREATE ROLE " + role + " LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT " + grants + " TO " + role);
    std::string text = url();
    return text.replace(text.find("tracking@"), 8, role);
  }
  void kill_connections() {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
        "pid <> pg_backend_pid()");
  }

  Notes notes_;  // outlives what logs
  PostgresServer& server_ = PostgresServer::shared();
  const std::string database_ = server_.new_database();
};

inline AccountState state_of(AccountRepository& repository, AccountId id) {
  const std::vector<AccountId> ids{id};
  std::vector<AccountState> states(1);
  const Status status = repository.find(ids, states);
  EXPECT_TRUE(status) << status.message();
  return states[0];
}

inline Status find_status(AccountRepository& repository, AccountId id = 1) {
  const std::vector<AccountId> ids{id};
  std::vector<AccountState> states(1);
  return repository.find(ids, states);
}

template <class Call>
std::chrono::milliseconds time_of(Call call) {
  const auto start = Steady::now();
  call();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start);
}

}  // namespace tracking::test
