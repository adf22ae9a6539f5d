// The accounts as they are and were: what answers of the engine are measured by.
#pragma once

#include <tracking/account.h>

#include <chrono>
#include <map>
#include <memory>
#include <vector>

namespace tracking::simulation {

using Time = std::chrono::nanoseconds;  // of the manual clock's steady()

/// Every state that every account ever had.
class AccountTruth {
 public:
  explicit AccountTruth(bool is_watchable) : is_watchable_(is_watchable) {}

  void set(AccountId id, AccountState state, Time now) {
    auto& states = states_[id];
    if (!states.empty() && states.back().state == state) return;
    states.push_back({now, state});
    news_.push_back(id);
  }
  AccountState state(AccountId id) const {
    const auto found = states_.find(id);
    return found == states_.end() ? AccountState::unknown : found->second.back().state;
  }
  /// Whether it had that state at a moment after `from` and not after `to`, not counting states before the `first`th.
  bool had(AccountId id, AccountState state, Time from, Time to, std::size_t first = 0) const;
  /// The number of the state that it has.
  std::size_t version(AccountId id) const {
    const auto found = states_.find(id);
    return found == states_.end() ? 0 : found->second.size() - 1;
  }

  bool is_watchable() const noexcept { return is_watchable_; }
  std::vector<AccountId> take_news() { return std::exchange(news_, {}); }
  /// A link that is lost takes its news along.
  void lose_news() { news_.clear(); }

 private:
  struct Since {
    Time from;
    AccountState state;
  };
  const bool is_watchable_;
  std::map<AccountId, std::vector<Since>> states_;
  std::vector<AccountId> news_;
};

/// The truth as a repository. Never blocks: delays are made by whoever drives the engine.
class TrueAccounts final : public AccountRepository {
 public:
  TrueAccounts(std::shared_ptr<AccountTruth> truth, const Time& now) : truth_(std::move(truth)), now_(now) {}

  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override;
  AccountWatch wait_for_changes(std::chrono::milliseconds timeout, std::vector<AccountId>& changed) noexcept override;
  Status ping() noexcept override { return {}; }
  Result<Account> change(AccountId id, const AccountChange& change) noexcept override;
  Status add(const Account& account) noexcept override;
  Status remove(AccountId id) noexcept override;

 private:
  const std::shared_ptr<AccountTruth> truth_;
  const Time& now_;
};

}  // namespace tracking::simulation
