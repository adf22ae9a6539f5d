#include "faults/simulation/accounts.h"

namespace tracking::simulation {

bool AccountTruth::had(AccountId id, AccountState state, Time from, Time to, std::size_t first) const {
  const auto found = states_.find(id);
  if (found == states_.end()) return state == AccountState::unknown;
  const auto& states = found->second;
  if (state == AccountState::unknown && from < states.front().from && first == 0) return true;
  for (std::size_t i = first; i < states.size(); ++i) {
    const bool ends_before = i + 1 < states.size() && states[i + 1].from <= from;
    if (states[i].state == state && states[i].from <= to && !ends_before) return true;
  }
  return false;
}

Status TrueAccounts::find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept {
  for (std::size_t i = 0; i < ids.size(); ++i) states[i] = truth_->state(ids[i]);
  return {};
}

AccountWatch TrueAccounts::wait_for_changes(std::chrono::milliseconds, std::vector<AccountId>& changed) noexcept {
  if (!truth_->is_watchable()) return AccountWatch::unsupported;
  changed = truth_->take_news();
  return changed.empty() ? AccountWatch::quiet : AccountWatch::some;
}

Result<Account> TrueAccounts::change(AccountId id, const AccountChange& change) noexcept {
  if (truth_->state(id) == AccountState::unknown) return {Code::not_found, "there is no such account"};
  const bool is_active = change.is_active.value_or(truth_->state(id) == AccountState::active);
  truth_->set(id, is_active ? AccountState::active : AccountState::inactive, now_);
  return Account{id, "simulated", is_active};
}

Status TrueAccounts::add(const Account& account) noexcept {
  if (truth_->state(account.id) != AccountState::unknown) return {Code::account_exists, "there is one"};
  truth_->set(account.id, account.is_active ? AccountState::active : AccountState::inactive, now_);
  return {};
}

Status TrueAccounts::remove(AccountId id) noexcept {
  if (truth_->state(id) == AccountState::unknown) return {Code::not_found, "there is no such account"};
  truth_->set(id, AccountState::unknown, now_);
  return {};
}

}  // namespace tracking::simulation
