#include "postgres/postgres_accounts.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "codec/no_memory.h"
#include "postgres/schema.h"

namespace tracking::postgres_accounts {
namespace {

// A table made by hand may have is_active in another type; only what clearly says yes is active.
#define IS_ACTIVE "coalesce(lower(is_active::text) IN ('true', 't', '1', 'yes', 'y', 'on'), false)"
#define ACCOUNT "id, left(name::text, 200), " IS_ACTIVE

constexpr Statement find_sql = {"tracking_find",
                                "SELECT id, " IS_ACTIVE " FROM accounts WHERE id = ANY ($1::bigint[])"};
constexpr Statement ping_sql = {"tracking_ping", "SELECT count(*) FROM (SELECT FROM accounts LIMIT 1) AS some_account"};
constexpr Statement list_sql = {"tracking_list", "SELECT " ACCOUNT " FROM accounts WHERE id > $1 ORDER BY id LIMIT $2"};
constexpr Statement get_sql = {"tracking_get", "SELECT " ACCOUNT " FROM accounts WHERE id = $1"};
// The type of $3 is the column's; 1 and 0 are good for all that may be.
constexpr Statement insert_sql = {"tracking_insert", "INSERT INTO accounts (id, name, is_active) VALUES ($1, $2, $3)"};
constexpr Statement rename_sql = {"tracking_rename", "UPDATE accounts SET name = $2 WHERE id = $1 RETURNING " ACCOUNT};
constexpr Statement activate_sql = {"tracking_activate",
                                    "UPDATE accounts SET is_active = $2 WHERE id = $1 RETURNING " ACCOUNT};
constexpr Statement change_sql = {"tracking_change",
                                  "UPDATE accounts SET name = $2, is_active = $3 WHERE id = $1 RETURNING " ACCOUNT};
constexpr Statement delete_sql = {"tracking_delete", "DELETE FROM accounts WHERE id = $1"};

#undef ACCOUNT
#undef IS_ACTIVE

/// A connection not used for so long is tried before something is written on it.
constexpr std::chrono::seconds trusted_for{1};
/// A write may wait for another's lock; the server gives it up after Connection::statement_limit.
constexpr std::chrono::milliseconds write_limit{1500};

/// No exception leaves a repository: memory is the one thing that can run out here.
template <class Call>
auto guarded(Call call) noexcept -> decltype(call()) {
  return unless_no_memory(Code::accounts_unavailable, call);
}

/// To make an empty result, libpqxx 6 needs memory, and ends the process if there is none.
using Rows = std::optional<pqxx::result>;

Account account_of(const pqxx::row& row) {
  return {row[0].as<AccountId>(), row[1].is_null() ? "" : row[1].as<std::string>(), row[2].as<bool>()};
}

Status no_such_account(AccountId id) { return {Code::not_found, "There is no account " + std::to_string(id) + "."}; }

Status account_exists(AccountId id) {
  return {Code::account_exists, "Account " + std::to_string(id) + " exists already."};
}

std::string flag(bool is_active) { return is_active ? "1" : "0"; }

/// {1,2,3}
void write_ids(std::span<const AccountId> ids, std::string& array) {
  array = '{';
  for (const AccountId id : ids) {
    char digits[24];
    if (array.size() > 1) array += ',';
    array.append(digits, std::to_chars(digits, digits + sizeof digits, id).ptr);
  }
  array += '}';
}

}  // namespace

PostgresAccounts::PostgresAccounts(std::shared_ptr<Store> store) : store_(std::move(store)), connection_(store_) {}

std::unique_ptr<AccountRepository> PostgresAccounts::another() noexcept {
  try {
    return std::make_unique<PostgresAccounts>(store_);
  } catch (const std::exception&) {
    return nullptr;
  }
}

// --- The connection --------------------------------------------------------------------------------------------------

Status PostgresAccounts::connect() {
  if (connection_.is_open()) return {};
  if (Status status = connection_.open(); !status) return status;
  Status status = unless_no_memory(Code::accounts_unavailable, [this] { return prepare_table(connection_); });
  if (!status) connection_.close();
  return status;
}

template <class Work>
Status PostgresAccounts::read(Work work) {
  const bool may_be_dead = connection_.is_open();
  if (Status status = connect(); !status) return status;
  Status status = connection_.run(work);
  if (!may_be_dead || connection_.failure() != Failure::broken) return status;
  if (Status again = connect(); !again) return again;
  return connection_.run(work);
}

template <class Work>
Status PostgresAccounts::write(Work work) {
  if (!connection_.is_open() || std::chrono::steady_clock::now() - connection_.answered_at() > trusted_for) {
    if (Status status = ping(); !status) return status;
  }
  Status status = connection_.run(work, write_limit);
  const Failure failure = connection_.failure();
  if (failure != Failure::broken && failure != Failure::overdue) return status;
  return unless_no_memory(Code::in_doubt, [&]() -> Status {
    return {Code::in_doubt,
            status.message() + " Nobody can say whether the change was made: look before you repeat it."};
  });
}

Status PostgresAccounts::ping() noexcept {
  return guarded([&]() -> Status {
    return read([&](pqxx::transaction_base& transaction) { connection_.execute(transaction, ping_sql); });
  });
}

// --- Lookups ---------------------------------------------------------------------------------------------------------

Status PostgresAccounts::find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept {
  return guarded([&]() -> Status {
    write_ids(ids, asked_);
    Rows rows;
    Status status =
        read([&](pqxx::transaction_base& transaction) { rows = connection_.execute(transaction, find_sql, asked_); });
    if (!status) return status;
    order_.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) order_.emplace_back(ids[i], i);
    std::sort(order_.begin(), order_.end());
    std::fill(states.begin(), states.end(), AccountState::unknown);
    for (const auto& row : *rows) {
      const auto id = row[0].as<AccountId>();
      const auto at = std::lower_bound(order_.begin(), order_.end(), std::pair(id, std::size_t{0}));
      if (at == order_.end() || at->first != id) continue;
      AccountState& state = states[at->second];
      // Without a primary key there may be several rows: one that says no is enough.
      const bool is_active = row[1].as<bool>() && state != AccountState::inactive;
      state = is_active ? AccountState::active : AccountState::inactive;
    }
    return {};
  });
}

AccountWatch PostgresAccounts::wait_for_changes(std::chrono::milliseconds timeout,
                                                std::vector<AccountId>& changed) noexcept {
  AccountWatch seen = AccountWatch::lost;
  const bool has_memory = has_memory_for([&] {
    if (!watcher_) watcher_ = std::make_unique<AccountWatcher>(store_);
    seen = watcher_->wait(timeout, changed);
  });
  if (has_memory) return seen;
  // What it had heard may be lost: another one begins with `all`.
  watcher_.reset();
  std::this_thread::sleep_for(timeout);
  return AccountWatch::lost;
}

// --- Administration --------------------------------------------------------------------------------------------------

Result<std::vector<Account>> PostgresAccounts::list(AccountId after, std::size_t limit) noexcept {
  return guarded([&]() -> Result<std::vector<Account>> {
    std::vector<Account> page;
    const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, std::size_t{1} << 30));
    Status status = read([&](pqxx::transaction_base& transaction) {
      page.clear();
      const pqxx::result rows = connection_.execute(transaction, list_sql, std::max<AccountId>(after, 0), most);
      for (const auto& row : rows) page.push_back(account_of(row));
    });
    if (!status) return status;
    return page;
  });
}

Result<Account> PostgresAccounts::get(AccountId id) noexcept {
  return guarded([&]() -> Result<Account> {
    Rows rows;
    Status status =
        read([&](pqxx::transaction_base& transaction) { rows = connection_.execute(transaction, get_sql, id); });
    if (!status) return status;
    if (rows->empty()) return no_such_account(id);
    return account_of((*rows)[0]);
  });
}

Status PostgresAccounts::add(const Account& account) noexcept {
  return guarded([&]() -> Status {
    // Asked, because a table made by hand may have no primary key.
    const Result<Account> existing = get(account.id);
    if (existing) return account_exists(account.id);
    if (existing.code() != Code::not_found) return existing.error();
    Status status = write([&](pqxx::transaction_base& transaction) {
      connection_.execute(transaction, insert_sql, account.id, account.name, flag(account.is_active));
    });
    return status.code() == Code::account_exists ? account_exists(account.id) : status;
  });
}

Result<Account> PostgresAccounts::change(AccountId id, const AccountChange& change) noexcept {
  return guarded([&]() -> Result<Account> {
    if (!change.name && !change.is_active) return get(id);
    Rows rows;
    Status status = write([&](pqxx::transaction_base& transaction) {
      if (!change.is_active) {
        rows = connection_.execute(transaction, rename_sql, id, *change.name);
      } else if (!change.name) {
        rows = connection_.execute(transaction, activate_sql, id, flag(*change.is_active));
      } else {
        rows = connection_.execute(transaction, change_sql, id, *change.name, flag(*change.is_active));
      }
    });
    if (!status) return status;
    if (rows->empty()) return no_such_account(id);
    // It was made: that it failed would not be true.
    return unless_no_memory(Code::in_doubt, [&]() -> Result<Account> { return account_of((*rows)[0]); });
  });
}

Status PostgresAccounts::remove(AccountId id) noexcept {
  return guarded([&]() -> Status {
    std::size_t removed = 0;
    Status status = write([&](pqxx::transaction_base& transaction) {
      removed = static_cast<std::size_t>(connection_.execute(transaction, delete_sql, id).affected_rows());
    });
    if (!status) return status;
    return removed > 0 ? Status() : no_such_account(id);
  });
}

}  // namespace tracking::postgres_accounts
