#include "sqlite/sqlite_accounts.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "codec/no_memory.h"
#include "sqlite/schema.h"

namespace tracking::sqlite_accounts {
namespace {

// A table made by hand may have anything in its columns; ids that are none are passed over, and names are cut.
// The plus takes the affinity from what is asked, so that it is found in a column of texts too.
constexpr const char* find_sql =
    "SELECT asked.key, accounts.is_active FROM json_each(?1) AS asked JOIN accounts ON accounts.id = +asked.value";
constexpr const char* get_sql = "SELECT id, substr(name, 1, 200), is_active FROM accounts WHERE id = ?1";
constexpr const char* list_sql =
    "SELECT id, substr(name, 1, 200), is_active FROM accounts WHERE id > ?1 AND typeof(id) = 'integer' "
    "ORDER BY id LIMIT ?2";
constexpr const char* insert_sql = "INSERT INTO accounts (id, name, is_active) VALUES (?1, ?2, ?3)";
constexpr const char* update_sql =
    "UPDATE accounts SET name = coalesce(?2, name), is_active = coalesce(?3, is_active) WHERE id = ?1";
constexpr const char* delete_sql = "DELETE FROM accounts WHERE id = ?1";
constexpr const char* version_sql = "PRAGMA data_version";

/// No exception leaves a repository: memory is the one thing that can run out here.
template <class Call>
auto guarded(Call call) noexcept -> decltype(call()) {
  return unless_no_memory(Code::accounts_unavailable, std::move(call));
}

/// Only what clearly says yes is active.
bool is_yes(const Statement& row, int column) {
  switch (row.type(column)) {
    case SQLITE_INTEGER:
      return row.integer(column) != 0;
    case SQLITE_FLOAT:
      return row.real(column) != 0;
    case SQLITE_TEXT: {
      std::string text = row.text(column);
      std::transform(text.begin(), text.end(), text.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      return text == "1" || text == "t" || text == "true" || text == "y" || text == "yes" || text == "on";
    }
    default:
      return false;
  }
}

Account account_of(const Statement& row) { return {row.integer(0), row.text(1), is_yes(row, 2)}; }

Status no_such_account(AccountId id) { return {Code::not_found, "There is no account " + std::to_string(id) + "."}; }

/// [1,2,3]
void write_ids(std::span<const AccountId> ids, std::string& json) {
  json = '[';
  for (const AccountId id : ids) {
    char digits[24];
    if (json.size() > 1) json += ',';
    json.append(digits, std::to_chars(digits, digits + sizeof digits, id).ptr);
  }
  json += ']';
}

}  // namespace

SqliteAccounts::SqliteAccounts(std::filesystem::path path)
    : path_(std::move(path)),
      find_(find_sql),
      get_(get_sql),
      list_(list_sql),
      insert_(insert_sql),
      update_(update_sql),
      delete_(delete_sql),
      version_(version_sql) {}

// --- The connection --------------------------------------------------------------------------------------------------

std::optional<SqliteAccounts::FileIdentity> SqliteAccounts::identity_of(const std::filesystem::path& path) noexcept {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileIdentity{found.st_dev, found.st_ino};
}

Status SqliteAccounts::create_if_absent() {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  if (error) {
    return {Code::accounts_unavailable, "The folder " + path_.parent_path().string() +
                                            " for the accounts file cannot be made: " + error.message() + "."};
  }
  const Status status = open(Database::IfAbsent::create);
  return database_.was_locked() ? Status() : status;
}

Status SqliteAccounts::open(Database::IfAbsent if_absent) {
  disconnect();
  Status status = database_.open(path_, if_absent);
  if (status) status = prepare_schema(database_);
  // A file that others may open has no write-ahead log: SQLite before 3.51.3 can corrupt one that several processes
  // write. If another process has it open this fails, and all else works all the same.
  if (status) database_.number("PRAGMA journal_mode = DELETE").error().ignore();
  if (!status) {
    disconnect();
    return status;
  }
  identity_ = identity_of(path_);
  return {};
}

void SqliteAccounts::disconnect() noexcept {
  for (Statement* statement : {&find_, &get_, &list_, &insert_, &update_, &delete_, &version_}) statement->forget();
  database_.close();
  identity_.reset();
  data_version_ = 0;
}

/// Makes sure that what is open is what stands at the path.
Status SqliteAccounts::connect() {
  const auto standing = identity_of(path_);
  if (!standing) {
    disconnect();
    // Not made again: that would turn every account into an unknown one.
    return {Code::accounts_unavailable, "The accounts file " + path_.string() + " is gone. Put it back."};
  }
  if (database_.is_open() && standing == identity_) return {};
  return open(Database::IfAbsent::fail);
}

std::unique_ptr<AccountRepository> SqliteAccounts::another() noexcept {
  std::unique_ptr<AccountRepository> second;
  has_memory_for([&] { second = std::make_unique<SqliteAccounts>(path_); });
  return second;
}

Status SqliteAccounts::ping() noexcept {
  return guarded([&]() -> Status {
    if (Status status = connect(); !status) return status;
    return database_.number("SELECT count(*) FROM (SELECT 1 FROM accounts LIMIT 1)").error();
  });
}

// --- Lookups ---------------------------------------------------------------------------------------------------------

Status SqliteAccounts::find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept {
  return guarded([&]() -> Status {
    if (Status status = connect(); !status) return status;
    return query(ids, states);
  });
}

Status SqliteAccounts::query(std::span<const AccountId> ids, std::span<AccountState> states) {
  std::fill(states.begin(), states.end(), AccountState::unknown);
  if (find_.prepare(database_) != SQLITE_OK) return database_.error("cannot be read");
  const StatementUse use(find_);
  write_ids(ids, ids_);
  find_.bind(1, std::string_view(ids_));
  int result;
  while ((result = find_.step()) == SQLITE_ROW) {
    AccountState& state = states[static_cast<std::size_t>(find_.integer(0))];
    // Without a primary key there may be several rows: one that says no is enough.
    const bool is_active = is_yes(find_, 1) && state != AccountState::inactive;
    state = is_active ? AccountState::active : AccountState::inactive;
  }
  return result == SQLITE_DONE ? Status() : database_.error("cannot be read");
}

// --- Changes ---------------------------------------------------------------------------------------------------------

AccountWatch SqliteAccounts::wait_for_changes(std::chrono::milliseconds timeout, std::vector<AccountId>&) noexcept {
  AccountWatch seen = AccountWatch::lost;
  has_memory_for([&] { seen = look_for_changes(); });
  if (seen != AccountWatch::quiet || timeout.count() <= 0) return seen;
  std::this_thread::sleep_for(timeout);
  seen = AccountWatch::lost;
  has_memory_for([&] { seen = look_for_changes(); });
  return seen;
}

/// SQLite tells that another connection has changed something, but not what.
AccountWatch SqliteAccounts::look_for_changes() {
  if (!connect()) return AccountWatch::lost;
  if (version_.prepare(database_) != SQLITE_OK) return AccountWatch::lost;
  const StatementUse use(version_);
  if (version_.step() != SQLITE_ROW) return AccountWatch::lost;
  const std::int64_t version = version_.integer(0);
  const bool is_first = data_version_ == 0;
  const bool is_same = version == data_version_;
  data_version_ = version;
  return is_first || !is_same ? AccountWatch::all : AccountWatch::quiet;
}

// --- Administration --------------------------------------------------------------------------------------------------

Result<std::vector<Account>> SqliteAccounts::list(AccountId after, std::size_t limit) noexcept {
  return guarded([&]() -> Result<std::vector<Account>> {
    if (Status status = connect(); !status) return status;
    if (list_.prepare(database_) != SQLITE_OK) return database_.error("cannot be read");
    const StatementUse use(list_);
    list_.bind(1, std::max<AccountId>(after, 0));
    list_.bind(2, static_cast<std::int64_t>(std::min<std::size_t>(limit, std::size_t{1} << 30)));
    std::vector<Account> page;
    int result;
    while ((result = list_.step()) == SQLITE_ROW) page.push_back(account_of(list_));
    if (result != SQLITE_DONE) return database_.error("cannot be read");
    return page;
  });
}

Result<Account> SqliteAccounts::get(AccountId id) noexcept {
  return guarded([&]() -> Result<Account> {
    if (Status status = connect(); !status) return status;
    return read(id);
  });
}

Result<Account> SqliteAccounts::read(AccountId id) {
  if (get_.prepare(database_) != SQLITE_OK) return database_.error("cannot be read");
  const StatementUse use(get_);
  get_.bind(1, id);
  const int result = get_.step();
  if (result == SQLITE_DONE) return no_such_account(id);
  if (result != SQLITE_ROW) return database_.error("cannot be read");
  return account_of(get_);
}

template <class Work>
Status SqliteAccounts::in_transaction(Work work) {
  if (Status status = connect(); !status) return status;
  Transaction transaction(database_);
  if (Status status = transaction.begin(); !status) return status;
  Status status = work();
  return status ? transaction.commit() : status;
}

Status SqliteAccounts::add(const Account& account) noexcept {
  return guarded([&]() -> Status { return in_transaction([&] { return insert(account); }); });
}

Status SqliteAccounts::insert(const Account& account) {
  // Asked, because a table made by hand may have no primary key.
  const Result<Account> existing = read(account.id);
  if (existing) return {Code::account_exists, "Account " + std::to_string(account.id) + " exists already."};
  if (existing.code() != Code::not_found) return existing.error();
  if (insert_.prepare(database_) != SQLITE_OK) return database_.error("cannot be changed");
  const StatementUse use(insert_);
  insert_.bind(1, account.id);
  insert_.bind(2, std::string_view(account.name));
  insert_.bind(3, std::int64_t{account.is_active});
  return insert_.step() == SQLITE_DONE ? Status() : database_.error("cannot be changed");
}

Result<Account> SqliteAccounts::change(AccountId id, const AccountChange& change) noexcept {
  return guarded([&]() -> Result<Account> {
    Result<Account> changed = no_such_account(id);
    Status status = in_transaction([&]() -> Status {
      if (Status updated = update(id, change); !updated) return updated;
      changed = read(id);
      return changed.error();
    });
    if (!status) return status;
    return changed;
  });
}

Status SqliteAccounts::update(AccountId id, const AccountChange& change) {
  if (update_.prepare(database_) != SQLITE_OK) return database_.error("cannot be changed");
  const StatementUse use(update_);
  update_.bind(1, id);
  if (change.name) update_.bind(2, std::string_view(*change.name));
  if (change.is_active) update_.bind(3, std::int64_t{*change.is_active});
  return update_.step() == SQLITE_DONE ? Status() : database_.error("cannot be changed");
}

Status SqliteAccounts::remove(AccountId id) noexcept {
  return guarded([&]() -> Status { return in_transaction([&] { return erase(id); }); });
}

Status SqliteAccounts::erase(AccountId id) {
  if (delete_.prepare(database_) != SQLITE_OK) return database_.error("cannot be changed");
  const StatementUse use(delete_);
  delete_.bind(1, id);
  if (delete_.step() != SQLITE_DONE) return database_.error("cannot be changed");
  return sqlite3_changes(database_.handle()) > 0 ? Status() : no_such_account(id);
}

}  // namespace tracking::sqlite_accounts
