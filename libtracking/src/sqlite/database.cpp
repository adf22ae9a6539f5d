#include "sqlite/database.h"

namespace tracking::sqlite_accounts {

Status Database::open(const std::filesystem::path& path, IfAbsent if_absent) {
  name_ = path.string();
  was_locked_ = false;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (if_absent == IfAbsent::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(name_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) {
    Status status = error(result, "cannot be opened");
    handle_.reset();
    return status;
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return {};
}

Status Database::run(const char* sql) {
  const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? Status() : error(result, "cannot be used");
}

Result<std::int64_t> Database::number(const char* sql) {
  Statement statement(sql);
  if (statement.prepare(*this) != SQLITE_OK) return error("cannot be read");
  const int result = statement.step();
  if (result == SQLITE_ROW) return statement.integer(0);
  if (result == SQLITE_DONE) return std::int64_t{0};
  return error(result, "cannot be read");
}

Status Database::error(std::string_view doing) { return error(sqlite3_extended_errcode(handle_.get()), doing); }

Status Database::error(int result, std::string_view doing) {
  const auto say = [&](Code code, std::string_view why) {
    std::string message = "The accounts file " + name_ + " ";
    message += doing;
    message += ": ";
    message += why;
    return Status(code, std::move(message));
  };
  const int kind = result & 0xff;
  was_locked_ = kind == SQLITE_BUSY || kind == SQLITE_LOCKED;
  switch (kind) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return say(Code::accounts_unavailable, "another process has locked it.");
    case SQLITE_READONLY:
      return say(Code::unsupported, "it is read-only. Make it and its folder writable.");
    case SQLITE_NOTADB:
      return say(Code::accounts_unavailable, "it is not an SQLite database.");
    case SQLITE_CORRUPT:
      return say(Code::accounts_unavailable, "it is damaged. Restore it from a backup.");
    case SQLITE_CONSTRAINT:
      return say(Code::invalid_parameter, std::string(sqlite3_errmsg(handle_.get())) + ".");
    default:
      break;
  }
  std::string why = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(result);
  return say(Code::accounts_unavailable, why + ".");
}

Transaction::~Transaction() {
  if (is_open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Status Transaction::begin() {
  Status status = database_.run("BEGIN IMMEDIATE");
  is_open_ = status.is_ok();
  return status;
}

Status Transaction::commit() {
  Status status = database_.run("COMMIT");
  if (status) is_open_ = false;
  return status;
}

int Statement::prepare(const Database& database) noexcept {
  if (handle_) return SQLITE_OK;
  sqlite3_stmt* handle = nullptr;
  const int result = sqlite3_prepare_v3(database.handle(), sql_, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  return result;
}

void Statement::reset() noexcept {
  if (!handle_) return;
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return text ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace tracking::sqlite_accounts
