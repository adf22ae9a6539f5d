#include "memory/memory_accounts.h"

#include <charconv>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <new>
#include <string_view>

namespace tracking {
namespace {

/// What all instances share. Thread-safe.
struct MemoryAccountStore {
  struct Stored {
    std::string name;
    bool is_active;
  };

  /// Changes remembered for those who wait; a slower watcher is told `all`.
  static constexpr std::size_t changes_max = 1024;

  std::mutex mutex;
  std::condition_variable changed;       // with mutex
  std::map<AccountId, Stored> accounts;  // guarded by mutex
  std::deque<AccountId> changes;         // guarded by mutex; the newest changes, oldest first
  std::uint64_t change_count = 0;        // guarded by mutex; of all changes ever

  /// With the mutex held.
  void note_change(AccountId id) noexcept {
    try {
      changes.push_back(id);
      if (changes.size() > changes_max) changes.pop_front();
    } catch (const std::bad_alloc&) {
      changes.clear();  // those who wait are told that anything may have changed
    }
    ++change_count;
    changed.notify_all();
  }
};

template <class Call>
auto guarded(Call call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return Status(Code::accounts_unavailable, "no memory");  // short enough to need none
  }
}

Status no_such_account(AccountId id) { return {Code::not_found, "There is no account " + std::to_string(id) + "."}; }

class MemoryAccounts final : public AccountRepository {
 public:
  explicit MemoryAccounts(std::shared_ptr<MemoryAccountStore> store) : store_(std::move(store)) {
    std::lock_guard lock(store_->mutex);
    seen_ = store_->change_count;
  }

  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override {
    std::lock_guard lock(store_->mutex);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto found = store_->accounts.find(ids[i]);
      states[i] = found == store_->accounts.end() ? AccountState::unknown
                  : found->second.is_active       ? AccountState::active
                                                  : AccountState::inactive;
    }
    return {};
  }

  std::unique_ptr<AccountRepository> another() noexcept override {
    return std::unique_ptr<AccountRepository>(new (std::nothrow) MemoryAccounts(store_));
  }

  AccountWatch wait_for_changes(std::chrono::milliseconds timeout, std::vector<AccountId>& changed) noexcept override {
    std::unique_lock lock(store_->mutex);
    store_->changed.wait_for(lock, timeout, [this] { return store_->change_count != seen_; });
    const std::uint64_t missed = store_->change_count - seen_;
    if (missed == 0) return AccountWatch::quiet;
    seen_ = store_->change_count;
    if (missed > store_->changes.size()) return AccountWatch::all;
    try {
      changed.insert(changed.end(), store_->changes.end() - static_cast<std::ptrdiff_t>(missed), store_->changes.end());
      return AccountWatch::some;
    } catch (const std::bad_alloc&) {
      return AccountWatch::all;
    }
  }

  Status ping() noexcept override { return {}; }

  Result<std::vector<Account>> list(AccountId after, std::size_t limit) noexcept override {
    return guarded([&]() -> Result<std::vector<Account>> {
      std::lock_guard lock(store_->mutex);
      std::vector<Account> page;
      for (auto at = store_->accounts.upper_bound(after); at != store_->accounts.end() && page.size() < limit; ++at) {
        page.push_back({at->first, at->second.name, at->second.is_active});
      }
      return page;
    });
  }

  Result<Account> get(AccountId id) noexcept override {
    return guarded([&]() -> Result<Account> {
      std::lock_guard lock(store_->mutex);
      const auto found = store_->accounts.find(id);
      if (found == store_->accounts.end()) return no_such_account(id);
      return Account{id, found->second.name, found->second.is_active};
    });
  }

  Status add(const Account& account) noexcept override {
    return guarded([&]() -> Status {
      std::lock_guard lock(store_->mutex);
      const auto [at, is_new] =
          store_->accounts.try_emplace(account.id, MemoryAccountStore::Stored{account.name, account.is_active});
      if (!is_new) return {Code::account_exists, "Account " + std::to_string(account.id) + " exists already."};
      store_->note_change(account.id);
      return {};
    });
  }

  Result<Account> change(AccountId id, const AccountChange& change) noexcept override {
    return guarded([&]() -> Result<Account> {
      std::lock_guard lock(store_->mutex);
      const auto found = store_->accounts.find(id);
      if (found == store_->accounts.end()) return no_such_account(id);
      if (change.name) found->second.name = *change.name;
      if (change.is_active) found->second.is_active = *change.is_active;
      store_->note_change(id);
      return Account{id, found->second.name, found->second.is_active};
    });
  }

  Status remove(AccountId id) noexcept override {
    return guarded([&]() -> Status {
      std::lock_guard lock(store_->mutex);
      if (store_->accounts.erase(id) == 0) return no_such_account(id);
      store_->note_change(id);
      return {};
    });
  }

 private:
  const std::shared_ptr<MemoryAccountStore> store_;
  std::uint64_t seen_;  // changes that this instance has told, or that are older than itself
};

Status bad_url(const BackendContext& context, const std::string& what) {
  return {Code::invalid_parameter, "Accounts " + context.url.redacted() + ": " + what};
}

/// Appends the accounts of "1,3,4".
Status read_ids(const BackendContext& context, std::string_view text, bool is_active, std::vector<Account>& accounts) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    AccountId id = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), id);
    if (error != std::errc() || end != item.data() + item.size() || id < 1) {
      return bad_url(context, "\"" + std::string(item) + "\" is not an account id (1 to 9223372036854775807).");
    }
    accounts.push_back({id, "Account " + std::to_string(id), is_active});
    text.remove_prefix(item.size());
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.empty()) return bad_url(context, "an id is missing after the last comma.");
  }
  return {};
}

}  // namespace

std::unique_ptr<AccountRepository> make_memory_accounts(const std::vector<Account>& accounts) {
  auto store = std::make_shared<MemoryAccountStore>();
  for (const Account& account : accounts) {
    store->accounts.insert_or_assign(account.id, MemoryAccountStore::Stored{account.name, account.is_active});
  }
  return std::make_unique<MemoryAccounts>(std::move(store));
}

Result<std::unique_ptr<AccountRepository>> open_memory_accounts(const BackendContext& context) {
  if (!context.url.rest.empty()) {
    return bad_url(context, "nothing may stand between memory: and the question mark.");
  }
  std::vector<Account> accounts;
  for (const auto& [key, value] : context.url.parameters) {
    if (key != "active" && key != "inactive") {
      return bad_url(context, "there is no parameter \"" + key + "\", only active and inactive.");
    }
    if (Status status = read_ids(context, value, key == "active", accounts); !status) return status;
  }
  std::map<AccountId, bool> seen;
  for (const Account& account : accounts) {
    const auto [at, is_new] = seen.emplace(account.id, account.is_active);
    if (!is_new && at->second != account.is_active) {
      return bad_url(context, "account " + std::to_string(account.id) + " is both active and inactive.");
    }
  }
  return make_memory_accounts(accounts);
}

}  // namespace tracking
