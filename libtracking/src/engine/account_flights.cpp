// The second half of AccountLookups: queries, and what becomes of the events that wait for them.
#include "engine/account_lookups.h"

#include <algorithm>
#include <array>

namespace tracking::engine {

// --- Queries ---------------------------------------------------------------------------------------------------------

bool AccountLookups::take(LookupQuery& query) noexcept {
  Lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return is_closed_ || !queue_.empty() || is_probe_due_; });
    if (is_closed_) return false;
    if (find_work(query)) return true;
  }
}

bool AccountLookups::try_take(LookupQuery& query) noexcept {
  Lock lock(mutex_);
  return !is_closed_ && find_work(query);
}

bool AccountLookups::find_work(LookupQuery& query) noexcept {
  query.count = 0;
  query.is_probe = false;
  take_queued(query);
  if (query.count == 0) {
    if (!is_probe_due_) return false;
    query.is_probe = is_probing_ = true;
    query.is_repository_lost = freshness_.is_repository_lost();
    query.add(last_failed_);
    is_probe_due_ = false;
  }
  running_.push_back({query.number, real_->steady()});
  return true;
}

void AccountLookups::take_queued(LookupQuery& query) noexcept {
  query.number = ++query_count_;
  query.started = now();
  while (!queue_.empty() && query.count < LookupQuery::ids_max) {
    const auto at = flights_.find(queue_.front());
    queue_.pop_front();
    if (at == flights_.end() || at->second.phase != Flight::Phase::queued) continue;
    at->second.phase = Flight::Phase::asked;
    at->second.query = query.number;
    query.add(at->first);
  }
}

void AccountLookups::answered(const LookupQuery& query, const Status& status,
                              std::span<const AccountState> states) noexcept {
  Lock lock(mutex_);
  // Everything was handed back already. Who left this thread behind may have taken the clocks.
  if (is_closed_) return;
  const bool is_late = end_query(query.number) > silence_max;
  has_been_asked_ = true;
  Flight* claimed = nullptr;
  last_contact_ = clock_->steady();
  if (status) {
    repository_answers();
  } else {
    last_failed_ = query.ids().front();
    set_health(status.message());
    lose_repository(claimed);
  }
  let_answers_age();
  const bool is_outdated = is_late && freshness_.judge({.verified = query.started}) == Freshness::useless;
  if (query.is_probe) {
    is_probing_ = false;
    if (query.is_repository_lost) ++queries_;
  } else {
    ++queries_;
    for (std::size_t i = 0; i < query.count; ++i) {
      const auto at = flights_.find(query.ids()[i]);
      if (at == flights_.end() || at->second.query != query.number) continue;
      if (status) {
        take_answer(at->second, states[i], query.started, is_outdated, claimed);
      } else {
        take_failure(at->second, claimed);
      }
    }
  }
  settle(lock, claimed);
}

/// How long it ran.
std::chrono::nanoseconds AccountLookups::end_query(std::uint64_t number) noexcept {
  const auto at = std::find_if(running_.begin(), running_.end(),
                               [number](const Running& running) { return running.number == number; });
  if (at == running_.end()) return std::chrono::nanoseconds(0);
  const std::chrono::nanoseconds took = real_->steady() - at->started;
  running_.erase(at);
  return took;
}

/// `is_outdated`: had it been remembered all the time that it took, it would not be used any more.
void AccountLookups::take_answer(Flight& flight, AccountState state, Ticks verified, bool is_outdated,
                                 Flight*& claimed) noexcept {
  flight.lands = true;  // whoever gave it up: its query is over now
  if (state != AccountState::active && state != AccountState::inactive) state = AccountState::unknown;
  const Remembered result{.state = state, .verified = verified};
  if (flight.phase == Flight::Phase::settling) {  // given up, and the answer comes while its events are handed back
    if (!flight.result || flight.result->verified < verified) flight.result = result;
  } else if (flight.is_overtaken || (is_outdated && flight.first)) {
    // What waits for it may have come after the account changed: it must not get the older answer.
    if (is_outdated && flight.first) fall_back_on(flight, result);
    if (!requeue(flight)) claim_failed(flight, claimed);
  } else {
    flight.result = result;
    claim(flight, answer_of(state), claimed);
  }
}

/// What those who wait get if the repository fails before it has answered again. What is known since the same moment
/// may be a change that was made here.
void AccountLookups::fall_back_on(Flight& flight, Remembered known) noexcept {
  if (flight.previous && flight.previous->verified >= known.verified) return;
  if (flight.previous && flight.previous->state != known.state) measure_change(flight, *flight.previous);
  known.is_doubted = flight.is_overtaken;
  flight.previous = known;
}

void AccountLookups::take_failure(Flight& flight, Flight*& claimed) noexcept {
  flight.lands = true;
  if (flight.phase != Flight::Phase::settling) claim_failed(flight, claimed);
}

bool AccountLookups::requeue(Flight& flight) noexcept {
  try {
    queue_.push_back(flight.id);
  } catch (const std::bad_alloc&) {
    return false;
  }
  flight.phase = Flight::Phase::queued;
  flight.is_overtaken = false;
  work_.notify_one();
  return true;
}

// --- The repository's life -------------------------------------------------------------------------------------------

void AccountLookups::repository_answers() noexcept {
  last_answer_ = real_->steady();
  health_ = {};
  freshness_.repository_answers(now());
}

/// From now on nobody waits for it: those who do are answered from what was known, or refused.
void AccountLookups::lose_repository(Flight*& claimed) noexcept {
  has_been_asked_ = true;
  freshness_.repository_lost();
  for (auto& [id, flight] : flights_) {
    if (flight.phase == Flight::Phase::queued) claim_failed(flight, claimed);
  }
  queue_.clear();
}

void AccountLookups::set_health(std::string_view why) noexcept {
  try {
    health_ = {Code::accounts_unavailable, std::string(why)};
  } catch (const std::bad_alloc&) {
    health_ = {Code::accounts_unavailable, "no memory"};  // short enough to need none
  }
}

void AccountLookups::tick() noexcept {
  Lock lock(mutex_);
  if (is_closed_) return;
  let_answers_age();
  const std::chrono::nanoseconds real = real_->steady();
  Flight* claimed = nullptr;
  const auto takes_long = [real](const Running& running) { return real - running.started > silence_max; };
  const bool is_silent = real - last_answer_ > silence_max && std::any_of(running_.begin(), running_.end(), takes_long);
  if (is_silent && !freshness_.is_repository_lost()) {
    set_health("The account repository has not answered for half a second.");
    lose_repository(claimed);
  }
  for (const Running& running : running_) {
    if (takes_long(running)) give_up(running.number, claimed);
  }
  const auto interval = freshness_.is_repository_lost() ? probe_interval_lost : probe_interval;
  if (!is_probing_ && !is_probe_due_ && clock_->steady() - last_contact_ >= interval) {
    is_probe_due_ = true;
    work_.notify_one();
  }
  settle(lock, claimed);
}

void AccountLookups::let_answers_age() noexcept {
  // How long a thread has been away is a matter of real time, whatever clock the service was given.
  const bool is_watch_silent = real_->steady() - last_watch_ > watch_silence_max;
  if (freshness_.is_watched() && is_watch_silent) freshness_.watch_lost(now());
  freshness_.update(now());
}

/// Answers those who wait for a query that takes too long.
void AccountLookups::give_up(std::uint64_t query, Flight*& claimed) noexcept {
  for (auto& [id, flight] : flights_) {
    if (flight.query != query || flight.phase != Flight::Phase::asked || !flight.first) continue;
    flight.lands = false;
    claim_failed(flight, claimed);
  }
}

void AccountLookups::close() noexcept {
  Lock lock(mutex_);
  is_closed_ = true;
  Flight* claimed = nullptr;
  for (auto& [id, flight] : flights_) {
    if (flight.phase != Flight::Phase::settling) claim(flight, AccountAnswer::closed, claimed);
  }
  queue_.clear();
  work_.notify_all();
  settle(lock, claimed);
  landed_.wait(lock, [this] { return flights_.empty(); });
}

// --- Handing back ----------------------------------------------------------------------------------------------------

void AccountLookups::claim(Flight& flight, AccountAnswer answer, Flight*& claimed) noexcept {
  flight.phase = Flight::Phase::settling;
  flight.answer = answer;
  flight.next_settling = claimed;
  claimed = &flight;
}

/// What was known answers, as it would without having waited. But while others are answered, not what has changed
/// since.
void AccountLookups::claim_failed(Flight& flight, Flight*& claimed) noexcept {
  flight.is_failed = true;
  flight.result = flight.previous;
  const bool may_answer = flight.previous && freshness_.is_within_stale_max(*flight.previous) &&
                          (!flight.previous->is_doubted || freshness_.is_repository_lost());
  claim(flight, may_answer ? answer_of(flight.previous->state) : AccountAnswer::unavailable, claimed);
}

void AccountLookups::settle(Lock& lock, Flight* claimed) noexcept {
  while (Parked* waiting = take_waiting(claimed)) {
    lock.unlock();
    hand_back(waiting);
    lock.lock();
  }
  if (is_closed_) landed_.notify_all();
}

/// All that waits for the claimed flights. Those that nothing waits for any more land and leave `claimed`.
Parked* AccountLookups::take_waiting(Flight*& claimed) noexcept {
  Parked* first = nullptr;
  Parked** end = &first;
  for (Flight** at = &claimed; Flight* flight = *at;) {
    if (!flight->first) {
      *at = flight->next_settling;
      land(*flight);
      continue;
    }
    if (flight->is_overtaken && !flight->is_failed) {
      // The account changed while its events were handed back: those that came since must not get the older answer.
      if (is_closed_) {
        flight->answer = AccountAnswer::closed;
      } else if (requeue(*flight)) {
        *at = flight->next_settling;
        flight->result.reset();
        continue;
      }
    }
    *end = flight->first;
    std::uint64_t count = 0;
    for (Parked* parked = flight->first; parked; parked = parked->next, ++count) parked->answer = flight->answer;
    end = &flight->last->next;
    flight->first = nullptr;
    parked_ -= count;
    if (flight->answer == AccountAnswer::unavailable) {
      failed_ += count;
    } else if (flight->is_failed) {
      stale_.add(count);
    }
    at = &flight->next_settling;
  }
  return first;
}

/// Nothing waits for it: what is known becomes visible to find() in the same step in which the flight ends.
void AccountLookups::land(Flight& flight) noexcept {
  const std::optional<Remembered> before = flight.previous ? flight.previous : recall(flight.id);
  if (flight.result) {
    if (before && before->state != flight.result->state) measure_change(flight, *before);
    flight.result->is_doubted = flight.result->is_doubted || flight.is_overtaken;
    flight.result->refresh_asked = false;
    remember(flight.id, *flight.result);
  } else if (before && before->refresh_asked) {  // a refresh that failed may be asked for again
    Remembered again = *before;
    again.refresh_asked = false;
    remember(flight.id, again);
  }
  if (flight.lands || is_closed_) {
    flights_.erase(flight.id);
    return;
  }
  flight.phase = Flight::Phase::asked;  // its query still runs, and its answer will be remembered
  flight.is_failed = false;
  flight.previous.reset();
  flight.result.reset();
}

void AccountLookups::measure_change(const Flight& flight, const Remembered& before) noexcept {
  const std::chrono::nanoseconds steady = clock_->steady();
  std::chrono::nanoseconds seen = steady;  // without a watch it is seen and in force in the same moment
  if (flight.change_seen.count() >= 0) {
    seen = flight.change_seen;
  } else if (freshness_.was_doubted(before)) {
    seen = last_doubt_;
  }
  count_change(steady - seen);
}

void AccountLookups::count_change(std::chrono::nanoseconds delay) noexcept {
  ++changes_;
  const auto& bounds = AccountChangeDelays::bounds;
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), delay);
  ++change_delays_.counts[static_cast<std::size_t>(bound - bounds.begin())];
  change_delays_.total += delay;
}

/// One call for all events of a target, in their order.
void AccountLookups::hand_back(Parked* waiting) noexcept {
  std::array<Parked*, 256> batch;
  while (waiting) {
    ParkedTarget* const target = waiting->target;
    Parked* others = nullptr;
    Parked** others_end = &others;
    std::size_t count = 0;
    while (waiting) {
      Parked* const parked = waiting;
      waiting = parked->next;  // before the target gets it back
      if (parked->target != target) {
        *others_end = parked;
        others_end = &parked->next;
        continue;
      }
      batch[count++] = parked;
      if (count == batch.size()) target->resolved({batch.data(), count}), count = 0;
    }
    *others_end = nullptr;
    if (count > 0) target->resolved({batch.data(), count});
    waiting = others;
  }
}

}  // namespace tracking::engine
