// SQLite's C interface with owners, and with errors that name the file.
#pragma once

#include <tracking/account.h>

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace tracking::sqlite_accounts {

/// A connection to a file. Used by one thread at a time.
class Database {
 public:
  enum class IfAbsent : std::uint8_t { create, fail };

  /// How long a call waits for another process's lock. Less than what a caller of the repository should wait.
  static constexpr int busy_timeout_ms = 100;

  Database() = default;

  Status open(const std::filesystem::path& path, IfAbsent if_absent);
  void close() noexcept { handle_.reset(); }
  bool is_open() const noexcept { return handle_ != nullptr; }
  bool is_read_only() const noexcept { return sqlite3_db_readonly(handle_.get(), "main") == 1; }

  /// Runs statements that give no rows.
  Status run(const char* sql);
  /// The first column of the first row; 0 if there is none.
  Result<std::int64_t> number(const char* sql);

  /// What went wrong last on this connection: accounts_unavailable if it may pass.
  Status error(std::string_view doing);
  Status error(int result, std::string_view doing);
  /// That error was another process's lock.
  bool was_locked() const noexcept { return was_locked_; }

  sqlite3* handle() const noexcept { return handle_.get(); }
  const std::string& name() const noexcept { return name_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };

  std::unique_ptr<sqlite3, Close> handle_;
  std::string name_;  // the path, for messages
  bool was_locked_ = false;
};

/// Everything in it is undone unless commit() has succeeded, however its scope is left.
class Transaction {
 public:
  explicit Transaction(Database& database) noexcept : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Takes the lock for writing.
  Status begin();
  Status commit();

 private:
  Database& database_;
  bool is_open_ = false;
};

/// A prepared statement; prepared at its first use, and again for another connection. Reset when it goes out of use.
class Statement {
 public:
  explicit Statement(const char* sql) noexcept : sql_(sql) {}

  /// Makes it ready to be bound and stepped. SQLITE_OK or an error.
  int prepare(const Database& database) noexcept;
  void forget() noexcept { handle_.reset(); }

  void bind(int index, std::int64_t value) noexcept { sqlite3_bind_int64(handle_.get(), index, value); }
  /// The text is lent until reset().
  void bind(int index, std::string_view text) noexcept {
    sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind_null(int index) noexcept { sqlite3_bind_null(handle_.get(), index); }
  /// SQLITE_ROW, SQLITE_DONE, or an error.
  int step() noexcept { return sqlite3_step(handle_.get()); }
  /// Ends it, and with it the lock on the file; keeps what was prepared.
  void reset() noexcept;

  std::int64_t integer(int column) const noexcept { return sqlite3_column_int64(handle_.get(), column); }
  std::string text(int column) const;
  int type(int column) const noexcept { return sqlite3_column_type(handle_.get(), column); }
  double real(int column) const noexcept { return sqlite3_column_double(handle_.get(), column); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };

  const char* sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Resets a statement at the end of a scope.
class StatementUse {
 public:
  explicit StatementUse(Statement& statement) noexcept : statement_(statement) {}
  ~StatementUse() { statement_.reset(); }
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;

 private:
  Statement& statement_;
};

}  // namespace tracking::sqlite_accounts
