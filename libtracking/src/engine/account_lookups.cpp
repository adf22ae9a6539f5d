#include "engine/account_lookups.h"

#include <algorithm>

namespace tracking::engine {

AccountAnswer answer_of(AccountState state) noexcept {
  switch (state) {
    case AccountState::active:
      return AccountAnswer::active;
    case AccountState::inactive:
      return AccountAnswer::inactive;
    case AccountState::unknown:
      break;
  }
  return AccountAnswer::unknown;
}

AccountLookups::AccountLookups(const ServiceOptions& options, Clock* real)
    : clock_(options.clock),
      real_(real),
      parked_max_(options.parked_events_max),
      known_(options.account_cache_max),
      unknown_(options.account_cache_max / 16 + 1),
      freshness_(options.account_ttl, options.account_stale_max),
      last_answer_(real->steady()),
      last_watch_(last_answer_) {
  now();
  running_.reserve(std::max(1U, options.account_lookup_threads) + 1);
}

// --- Lookups of events -----------------------------------------------------------------------------------------------

AccountDirectory::Found AccountLookups::look(AccountId id) noexcept {
  Remembered remembered;
  if (!known_.find(id, remembered) && !unknown_.find(id, remembered)) return {};
  const Freshness freshness = freshness_.judge(remembered);
  if (freshness == Freshness::useless) return {};
  if (freshness != Freshness::fresh && !remembered.refresh_asked && !freshness_.is_repository_lost()) ask_refresh(id);
  return {.answer = answer_of(remembered.state), .is_stale = freshness == Freshness::stale};
}

void AccountLookups::count(std::size_t found, std::size_t stale) noexcept {
  hits_.add(found);
  if (stale > 0) stale_.add(stale);
}

AccountAnswer AccountLookups::park(Parked& parked) noexcept {
  Lock lock(mutex_);
  if (is_closed_) return AccountAnswer::closed;
  auto at = flights_.find(parked.account_id);
  const bool others_wait = at != flights_.end() && (at->second.first || at->second.phase == Flight::Phase::settling);
  std::optional<Remembered> known;
  if (!others_wait) {
    known = recall(parked.account_id);
    const Freshness freshness = known ? freshness_.judge(*known) : Freshness::useless;
    if (freshness != Freshness::useless) {
      hits_.add();
      if (freshness == Freshness::stale) stale_.add();
      return answer_of(known->state);
    }
    if (freshness_.is_repository_lost()) return ++failed_, AccountAnswer::unavailable;
  }
  if (parked_ >= parked_max_) return AccountAnswer::overloaded;
  if (at == flights_.end()) {
    try {
      at = flights_.try_emplace(parked.account_id).first;
      queue_.push_back(parked.account_id);
    } catch (const std::bad_alloc&) {
      if (at != flights_.end()) flights_.erase(at);
      return AccountAnswer::overloaded;
    }
    at->second.id = parked.account_id;
    work_.notify_one();
  }
  if (known) {
    at->second.previous = known;
    forget(parked.account_id);
  }
  append(at->second, parked);
  return AccountAnswer::must_wait;
}

void AccountLookups::append(Flight& flight, Parked& parked) noexcept {
  parked.answer = AccountAnswer::must_wait;
  parked.next = nullptr;
  (flight.first ? flight.last->next : flight.first) = &parked;
  flight.last = &parked;
  ++parked_;
  ++missed_;
}

void AccountLookups::ask_refresh(AccountId id) noexcept {
  Lock lock(mutex_);
  if (is_closed_ || flights_.size() >= refreshes_max) return;
  if (known_.ask_refresh(id) || unknown_.ask_refresh(id)) launch_refresh(id, std::chrono::nanoseconds(-1));
}

bool AccountLookups::launch_refresh(AccountId id, std::chrono::nanoseconds change_seen) noexcept {
  try {
    const auto [at, is_new] = flights_.try_emplace(id);
    if (!is_new) return true;
    at->second.id = id;
    at->second.change_seen = change_seen;
    try {
      queue_.push_back(id);
    } catch (const std::bad_alloc&) {
      flights_.erase(at);
      return false;
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  work_.notify_one();
  return true;
}

// --- What is remembered ----------------------------------------------------------------------------------------------

std::optional<Remembered> AccountLookups::recall(AccountId id) const noexcept {
  Remembered remembered;
  if (known_.find(id, remembered) || unknown_.find(id, remembered)) return remembered;
  return std::nullopt;
}

void AccountLookups::remember(AccountId id, const Remembered& remembered) noexcept {
  AccountCache& right = remembered.state == AccountState::unknown ? unknown_ : known_;
  AccountCache& other = remembered.state == AccountState::unknown ? known_ : unknown_;
  other.erase(id);
  right.store(id, remembered);
}

void AccountLookups::forget(AccountId id) noexcept {
  known_.erase(id);
  unknown_.erase(id);
}

/// What is remembered of `id` was overtaken by a change: it is not used any more while the repository answers.
void AccountLookups::doubt(AccountId id, std::chrono::nanoseconds change_seen) noexcept {
  const auto at = flights_.find(id);
  if (at != flights_.end() && at->second.phase != Flight::Phase::queued) {
    at->second.is_overtaken = true;
    at->second.change_seen = change_seen;
  }
  // What the events that wait fall back on is not to look like an answer of after the change.
  if (at != flights_.end() && at->second.previous) at->second.previous->is_doubted = true;
  std::optional<Remembered> known = recall(id);
  if (!known) return;
  known->is_doubted = true;
  known->refresh_asked = true;
  remember(id, *known);
  if (flights_.size() < refreshes_max) launch_refresh(id, change_seen);
}

void AccountLookups::account_changed(AccountId id, std::optional<AccountState> state) noexcept {
  Lock lock(mutex_);
  if (is_closed_) return;
  doubt(id, clock_->steady());
  if (state) learn(id, {.state = *state, .verified = now()});
}

/// What holds even if the repository does not answer any more: without it, what was known before the change would.
void AccountLookups::learn(AccountId id, const Remembered& known) noexcept {
  const auto at = flights_.find(id);
  const std::optional<Remembered> before =
      at != flights_.end() && at->second.previous ? at->second.previous : recall(id);
  if (before && before->state != known.state) count_change(std::chrono::nanoseconds(0));
  const bool is_settling = at != flights_.end() && at->second.phase == Flight::Phase::settling;
  if (at == flights_.end() || (!at->second.first && !is_settling)) return remember(id, known);
  Flight& flight = at->second;
  flight.previous = known;
  if (!is_settling || !flight.is_failed) return;
  flight.result = known;
  flight.answer = answer_of(known.state);
}

void AccountLookups::watched(AccountWatch watch, std::span<const AccountId> changed) noexcept {
  Lock lock(mutex_);
  if (is_closed_) return;
  last_watch_ = real_->steady();
  if (watch == AccountWatch::unsupported || watch == AccountWatch::lost) return freshness_.watch_lost(now());
  const std::chrono::nanoseconds seen = clock_->steady();
  if (watch == AccountWatch::all) {
    freshness_.doubt_all(now());
  } else if (watch == AccountWatch::some) {
    for (const AccountId id : changed) doubt(id, seen);
  }
  if (!freshness_.is_watched() || watch == AccountWatch::all) last_doubt_ = seen;
  freshness_.watch_alive(now());
}

// --- The state of things ---------------------------------------------------------------------------------------------

Status AccountLookups::health() noexcept {
  Lock lock(mutex_);
  try {
    return health_;
  } catch (const std::bad_alloc&) {
    return {health_.code(), "no memory"};  // short enough to need none
  }
}

bool AccountLookups::has_been_asked() noexcept {
  Lock lock(mutex_);
  return has_been_asked_;
}

bool AccountLookups::has_backlog() noexcept {
  Lock lock(mutex_);
  return !queue_.empty();
}

void AccountLookups::add_stats(ServiceStats& stats) noexcept {
  stats.lookups_hit += hits_.total();
  stats.lookups_stale += stale_.total();
  stats.accounts_cached += known_.size() + unknown_.size();
  Lock lock(mutex_);
  stats.lookups_missed += missed_;
  stats.lookups_failed += failed_;
  stats.repository_queries += queries_;
  stats.events_parked += parked_;
  stats.account_changes += changes_;
  stats.account_change_delays.total += change_delays_.total;
  for (std::size_t i = 0; i < change_delays_.counts.size(); ++i) {
    stats.account_change_delays.counts[i] += change_delays_.counts[i];
  }
}

}  // namespace tracking::engine
