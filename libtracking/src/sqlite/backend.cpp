#include <tracking/sqlite.h>

#include "sqlite/sqlite_accounts.h"

namespace tracking {
namespace {

Result<std::filesystem::path> path_of(const BackendContext& context) {
  const auto bad_url = [&](const std::string& what) {
    return Status(Code::invalid_parameter, "Accounts " + context.url.redacted() + ": " + what);
  };
  if (!context.url.parameters.empty()) return bad_url("sqlite: takes no parameters.");
  const std::string& rest = context.url.rest;
  if (rest.empty()) return bad_url("a path is missing, as in sqlite:tracking.db.");
  if (rest == ":memory:") return bad_url("for accounts in memory use memory:.");
  if (rest.back() == '/') return bad_url("that is a folder; name a file in it.");
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(context.data_dir / rest, error);
  if (error) return bad_url(error.message() + ".");
  return path.lexically_normal();
}

Result<std::unique_ptr<AccountRepository>> open_accounts(const BackendContext& context) {
  auto path = path_of(context);
  if (!path) return path.error();
  auto accounts = std::make_unique<sqlite_accounts::SqliteAccounts>(*path);
  if (Status status = accounts->create_if_absent(); !status) return status;
  return std::unique_ptr<AccountRepository>(std::move(accounts));
}

}  // namespace

Backend sqlite() { return {.schemes = {"sqlite"}, .accounts = open_accounts}; }

}  // namespace tracking
