#include "engine/lane.h"

#include <algorithm>
#include <random>
#include <utility>

#include "codec/event_decoder.h"
#include "codec/event_line.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

namespace tracking::engine {
namespace {

// One publish() carries at most so much: it bounds the lane's scratch memory and how long others wait for the broker.
constexpr std::size_t group_events_max = 1'024;
constexpr std::size_t group_bytes_max = 256 << 10;
// Objects of a pool that are looked at before a new one is made.
constexpr std::size_t pool_tries = 8;

std::string_view without_white_space(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n";
  const auto first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

// Which bit of a 64-bit set stands for the account.
std::uint64_t bit_of(AccountId id) {
  return std::uint64_t{1} << (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15u >> 58);
}

// A broker may complete earlier groups, of this lane or another, while it is inside publish(): with our lock held.
// Those are settled by this thread when it holds no lock any more.
thread_local int publish_depth = 0;
thread_local PublishGroup* deferred = nullptr;

}  // namespace

void PublishGroup::resolve(std::size_t index, const Outcome& outcome) noexcept {
  if (index >= slots_.size()) return;
  if (outcomes_.empty()) {
    outcomes_.resize(slots_.size());
    is_resolved_.assign(slots_.size(), false);
  }
  if (is_resolved_[index]) return;
  is_resolved_[index] = true;
  outcomes_[index] = outcome;
}

void PublishGroup::finish(const Outcome& outcome) noexcept {
  rest_ = outcome;
  switch (state_.exchange(State::finished, std::memory_order_acq_rel)) {
    case State::publishing:  // inside publish(): its caller goes on when the lane's lock is released
    case State::finished:
      return;
    case State::published:
      break;
    case State::abandoned:
      is_abandoned_ = true;
      break;
  }
  if (publish_depth > 0) {
    next_finished_ = std::exchange(deferred, this);
    return;
  }
  lane_->conclude(*this);
}

void LaneCore::conclude(PublishGroup& group) {
  if (!group.is_abandoned_) return settle(group, false);
  abandoned_.fetch_sub(1, std::memory_order_release);
  let_go(group);
}

template <class T>
T& LaneCore::Pool<T>::take() {
  // The first ones first: they have grown to what is needed, and are in the cache. When many are under way, the others
  // in turn.
  const auto is_free = [](T& item) { return !item.is_used.load(std::memory_order_acquire); };
  for (std::size_t tries = 0; tries < std::min(2 * pool_tries, items_.size()); ++tries) {
    T& item = items_[tries < pool_tries ? tries : next_++ % items_.size()];
    if (!is_free(item)) continue;
    item.is_used.store(true, std::memory_order_relaxed);
    return item;
  }
  T& item = items_.emplace_back();
  item.is_used.store(true, std::memory_order_relaxed);
  return item;
}

LaneCore::LaneCore(Shared& shared) : shared_(shared), lane_(shared.ids.new_lane()) {
  next_producer();
  id_counter_ = std::random_device()();  // two processes that start at once do not count alike
}

void LaneCore::track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept {
  PublishGroup* finished = nullptr;
  Batch* batch = nullptr;
  std::size_t ended = 0;
  {
    const std::lock_guard lock(mutex_);
    batch = &batches_.take();
    batch->events = events;
    batch->done = std::move(done);
    batch->ack = options.ack == AckLevel::broker_default ? shared_.default_ack : options.ack;
    batch->stops_at_failure = options.stops_at_failure;
    batch->receipts.clear();
    batch->receipts.resize(events.size());
    batch->slots.clear();
    batch->parked.clear();
    batch->unfinished.store(events.size() + 1, std::memory_order_relaxed);
    const bool is_ack_given = batch->ack == AckLevel::stored ? shared_.traits.gives_stored : shared_.traits.gives_sent;
    if (shared_.is_closed.load(std::memory_order_acquire)) {
      ended = refuse_from(*batch, 0, Code::closed);
    } else if (!is_ack_given) {
      ended = refuse_from(*batch, 0, Code::ack_unavailable);
    } else {
      ended = sort_out(*batch);
      publish(batch->slots, finished);
      if (!misses_.empty()) {
        batch->slots.clear();
        ended += park_misses(*batch);
        publish(batch->slots, finished);
      }
    }
  }
  settle_all(finished);
  batch->finish(ended + 1);
}

std::size_t LaneCore::refuse_from(Batch& batch, std::size_t first, Code code) {
  for (std::size_t i = first; i < batch.receipts.size(); ++i) batch.receipts[i].code = code;
  return batch.receipts.size() - first;
}

// Puts what can be published now into batch.slots, and what must wait for its account into misses_.
std::size_t LaneCore::sort_out(Batch& batch) {
  std::size_t ended = 0;
  std::uint64_t missed_accounts = 0;
  misses_.clear();
  for (std::uint32_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    EventSlot slot{.batch = &batch, .index = i};
    if (!check(event, slot, batch.receipts[i])) {
      ++ended;
      continue;
    }
    // Once an account was missed its later events go the same way, so that none overtakes it.
    const std::uint64_t bit = bit_of(event.account_id);
    auto answer = missed_accounts & bit ? AccountAnswer::must_wait : shared_.directory.find(event.account_id);
    if (answer == AccountAnswer::must_wait) {
      missed_accounts |= bit;
      if (!batch.stops_at_failure) {
        misses_.push_back(i);
        continue;
      }
      // Before anything behind it is taken: it may be known already that the repository does not answer.
      answer = park(slot);
      if (answer == AccountAnswer::must_wait) continue;
    }
    if (answer == AccountAnswer::active && event.id.empty()) {
      batch.slots.push_back(slot);
      continue;
    }
    ended += take_answer(slot, answer, batch.slots);
    const Code code = batch.receipts[i].code;
    if (batch.stops_at_failure && (is_failure(answer) || code == Code::overloaded))
      return ended + refuse_from(batch, i + 1, code);
  }
  return ended;
}

std::size_t LaneCore::park_misses(Batch& batch) {
  std::size_t ended = 0;
  for (const std::uint32_t index : misses_) {
    EventSlot slot{.batch = &batch, .index = index};
    check(batch.events[index], slot, batch.receipts[index]);
    const AccountAnswer answer = park(slot);
    if (answer != AccountAnswer::must_wait) ended += take_answer(slot, answer, batch.slots);
  }
  return ended;
}

// Once it waits, the event's node is not ours to look at.
AccountAnswer LaneCore::park(const EventSlot& slot) {
  ParkedEvent& parked = slot.batch->parked.emplace_back();
  parked.slot = slot;
  parked.account_id = slot.batch->events[slot.index].account_id;
  parked.target = this;
  return shared_.directory.park(parked);
}

std::size_t LaneCore::take_answer(const EventSlot& slot, AccountAnswer answer, std::vector<EventSlot>& accepted) {
  std::size_t ended = 0;
  if (answer == AccountAnswer::active) {
    if (!is_repeat(slot, ended)) accepted.push_back(slot);
    return ended;
  }
  Code code = Code::internal;
  switch (answer) {
    case AccountAnswer::unknown:
      code = Code::unknown_account;
      break;
    case AccountAnswer::inactive:
      code = Code::inactive_account;
      break;
    case AccountAnswer::unavailable:
      code = Code::accounts_unavailable;
      break;
    case AccountAnswer::overloaded:
      code = Code::overloaded;
      break;
    case AccountAnswer::closed:
      code = Code::closed;
      break;
    case AccountAnswer::active:
    case AccountAnswer::must_wait:
      break;
  }
  slot.batch->receipts[slot.index].code = code;
  return 1;
}

void LaneCore::resolved(std::span<Parked* const> parked) noexcept {
  std::vector<EventSlot> accepted;
  std::vector<Batch*> ended;
  PublishGroup* finished = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (Parked* node : parked) {
      const EventSlot slot = static_cast<ParkedEvent*>(node)->slot;
      if (take_answer(slot, node->answer, accepted) > 0) ended.push_back(slot.batch);
    }
    publish(accepted, finished);
  }
  settle_all(finished);
  for (Batch* batch : ended) batch->finish(1);
}

bool LaneCore::check(const Event& event, EventSlot& slot, Receipt& receipt) const noexcept {
  if (event.account_id <= 0 || (!event.id.empty() && !codec::is_event_id(event.id))) {
    receipt.code = Code::invalid_event;
    return false;
  }
  if (event.data.json().size() > shared_.data_bytes_max) {
    receipt.code = Code::too_large;
    return false;
  }
  if (event.data.is_trusted()) return true;
  codec::JsonTraits traits;
  codec::JsonFault fault;
  // The event object around it is the first level.
  if (!codec::validate_json(event.data.json(), codec::nesting_max - 1, traits, fault)) {
    receipt.code = Code::malformed_json;
    return false;
  }
  slot.has_line_breaks = traits.has_line_breaks;
  return true;
}

bool LaneCore::is_repeat(const EventSlot& slot, std::size_t& ended) {
  const Event& event = slot.batch->events[slot.index];
  if (event.id.empty()) return false;
  Receipt& receipt = slot.batch->receipts[slot.index];
  const auto key = shared_.duplicates.key(event.account_id, event.id);
  std::optional<Timestamp> first = shared_.ids.verify(event.id, event.account_id);
  AckLevel ack = AckLevel::sent;
  if (first && (shared_.options.clock->now() - *first > shared_.options.duplicate_window ||
                shared_.duplicates.is_in_doubt(key, shared_.options.clock->steady()))) {
    first.reset();
  }
  if (!first) {
    const auto answer = shared_.duplicates.begin(key, shared_.options.clock->steady(), slot);
    if (answer.verdict == DuplicateFilter::Verdict::fresh) return false;
    if (answer.verdict == DuplicateFilter::Verdict::no_memory) {
      receipt.code = Code::overloaded;
      ++ended;
      return true;
    }
    duplicates_.fetch_add(1, std::memory_order_relaxed);
    if (answer.verdict == DuplicateFilter::Verdict::pending) return true;
    first = answer.first_accepted;
    ack = answer.ack;
  } else {
    duplicates_.fetch_add(1, std::memory_order_relaxed);
  }
  receipt.code = Code::ok;
  receipt.ack = ack;
  receipt.duplicate = true;
  receipt.id.assign(event.id);
  receipt.timestamp = *first;
  ++ended;
  return true;
}

void LaneCore::publish(std::span<const EventSlot> slots, PublishGroup*& finished) {
  while (!slots.empty()) slots = slots.subspan(publish_some(slots, finished));
}

std::size_t LaneCore::publish_some(std::span<const EventSlot> slots, PublishGroup*& finished) {
  const auto size_of = [](const EventSlot& slot) {
    return codec::event_line_bytes_max(slot.batch->events[slot.index].data.json().size());
  };
  const AckLevel ack = slots[0].batch->ack;
  std::size_t count = 1;
  std::size_t bytes = size_of(slots[0]);
  for (; count < std::min(slots.size(), group_events_max) && slots[count].batch->ack == ack; ++count) {
    const std::size_t more = size_of(slots[count]);
    if (bytes + more > group_bytes_max) break;
    bytes += more;
  }
  if (bytes > text_size_ || text_size_ > 2 * std::max(bytes, group_bytes_max)) {
    text_size_ = bytes;
    text_.reset(new char[text_size_]);
  }

  if (sequences_.is_full()) next_producer();
  take_timestamp();
  PublishGroup& group = groups_.take();
  group.lane_ = this;
  group.slots_.assign(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(count));
  group.outcomes_.clear();
  group.is_outstanding_ = false;
  group.is_abandoned_ = false;
  group.state_.store(PublishGroup::State::publishing, std::memory_order_relaxed);
  lines_.resize(count);
  char* out = text_.get();
  for (std::size_t i = 0; i < count; ++i) stamp(slots[i], lines_[i], out);

  pending_.fetch_add(count, std::memory_order_relaxed);
  ++publish_depth;
  shared_.broker->publish(Lines(lines_, ack), Completion(group));
  --publish_depth;
  if (group.state_.load(std::memory_order_acquire) == PublishGroup::State::publishing) {
    // Into the list first: from the moment that the state is `published` it may be completed on another thread.
    group.is_outstanding_ = true;
    group.outstanding_index_ = outstanding_.size();
    outstanding_.push_back(&group);
    auto expected = PublishGroup::State::publishing;
    if (group.state_.compare_exchange_strong(expected, PublishGroup::State::published, std::memory_order_acq_rel))
      return count;
    remove_outstanding(group);
    group.is_outstanding_ = false;
  }
  group.next_finished_ = std::exchange(finished, &group);
  return count;
}

void LaneCore::stamp(const EventSlot& slot, Line& line, char*& out) {
  const Event& event = slot.batch->events[slot.index];
  Receipt& receipt = slot.batch->receipts[slot.index];
  if (event.id.empty()) {
    if (++ids_of_timestamp_ > EventIdKey::counter_mask) begin_timestamp(last_ + std::chrono::microseconds(1));
    shared_.ids.write_rest(id_text_ + EventIdKey::time_size, event.account_id, last_, id_counter_++, lane_);
    receipt.id.assign({id_text_, EventIdKey::text_size});
  } else {
    receipt.id.assign(event.id);
  }
  receipt.timestamp = last_;

  const std::uint64_t sequence = sequences_.next(event.account_id);
  const std::string_view data = event.data.is_trusted() ? event.data.json() : without_white_space(event.data.json());
  char occurred_at[32];
  if (event.occurred_at) codec::write_rfc3339(occurred_at, *event.occurred_at);
  char* const end = codec::write_event_line(out, {.id = receipt.id.view(),
                                                  .account_id = event.account_id,
                                                  .timestamp = timestamp_text_,
                                                  .occurred_at = event.occurred_at ? occurred_at : nullptr,
                                                  .producer = producer_,
                                                  .sequence = sequence,
                                                  .data = data});
  if (slot.has_line_breaks) {
    // Valid JSON has raw line breaks between tokens only.
    std::replace_if(
        end - 1 - data.size(), end, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  }
  line = {.json = {out, static_cast<std::size_t>(end - out)},
          .account_id = event.account_id,
          .id = receipt.id.view(),
          .timestamp = last_,
          .sequence = sequence};
  out = end;
}

void LaneCore::take_timestamp() {
  const Timestamp now = shared_.options.clock->now();
  if (now <= last_) return;  // the wall clock stood still or went back: a producer's timestamps do not
  begin_timestamp(now);
}

void LaneCore::begin_timestamp(Timestamp time) {
  last_ = time;
  ids_of_timestamp_ = 0;
  codec::write_rfc3339(timestamp_text_, time);
  EventIdKey::write_time(id_text_, time);
}

void LaneCore::next_producer() {
  constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr int name_size = 8;
  std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
  producer_.clear();
  for (int i = 0; i < name_size; ++i) producer_ += alphabet[pick(device)];
  sequences_.clear();
}

void LaneCore::settle_all(PublishGroup* finished) {
  // What was completed on the way is older than what was published now.
  if (publish_depth == 0) conclude_in_order(std::exchange(deferred, nullptr));
  conclude_in_order(finished);
}

void LaneCore::conclude_in_order(PublishGroup* finished) {
  // The list is in reverse: handlers run in the order of publishing.
  PublishGroup* first = nullptr;
  while (finished) {
    PublishGroup* const group = finished;
    finished = group->next_finished_;
    group->next_finished_ = std::exchange(first, group);
  }
  while (first) {
    PublishGroup& group = *std::exchange(first, first->next_finished_);
    group.lane_->conclude(group);
  }
}

void LaneCore::settle(PublishGroup& group, bool is_abandoned) {
  const std::size_t count = group.slots_.size();
  const bool has_single_outcomes = !is_abandoned && !group.outcomes_.empty();
  const Outcome rest = is_abandoned ? Outcome{.code = Code::in_doubt} : group.rest_;
  for (std::size_t begin = 0; begin < count;) {
    Batch* const batch = group.slots_[begin].batch;
    std::size_t end = begin;
    for (; end < count && group.slots_[end].batch == batch; ++end) {
      const bool is_single = has_single_outcomes && group.is_resolved_[end];
      settle_event(group.slots_[end], is_single ? group.outcomes_[end] : rest);
    }
    batch->finish(end - begin);
    begin = end;
  }
  pending_.fetch_sub(count, std::memory_order_release);
  if (!is_abandoned) let_go(group);
}

void LaneCore::settle_event(const EventSlot& slot, const Outcome& outcome) {
  const Event& event = slot.batch->events[slot.index];
  Receipt& receipt = slot.batch->receipts[slot.index];
  receipt.code = outcome.code;
  receipt.ack = outcome.code == Code::ok ? outcome.ack : AckLevel::broker_default;
  receipt.duplicate = outcome.code == Code::ok && outcome.duplicate;
  if (receipt.duplicate && outcome.first_accepted) receipt.timestamp = *outcome.first_accepted;
  if (event.id.empty() && outcome.code != Code::in_doubt) return;

  const auto key = shared_.duplicates.key(event.account_id, receipt.id);
  const auto now = shared_.options.clock->steady();
  if (outcome.code == Code::in_doubt && shared_.ids.verify(receipt.id, event.account_id))
    shared_.duplicates.remember_doubt(key, now);
  if (event.id.empty()) return;
  const auto repeats = shared_.duplicates.settle(key, outcome.code == Code::ok, receipt.timestamp, receipt.ack, now);
  for (const EventSlot& repeat : repeats) {
    Receipt& copy = repeat.batch->receipts[repeat.index];
    copy = receipt;
    copy.duplicate = outcome.code == Code::ok;
    repeat.batch->finish(1);
  }
}

void LaneCore::let_go(PublishGroup& group) noexcept {
  if (group.is_outstanding_) {
    const std::lock_guard lock(mutex_);
    remove_outstanding(group);
  }
  group.is_used.store(false, std::memory_order_release);
}

void LaneCore::remove_outstanding(PublishGroup& group) noexcept {
  PublishGroup* const last = outstanding_.back();
  last->outstanding_index_ = group.outstanding_index_;
  outstanding_[group.outstanding_index_] = last;
  outstanding_.pop_back();
}

void LaneCore::abandon_pending() noexcept {
  std::vector<PublishGroup*> left;
  {
    const std::lock_guard lock(mutex_);
    for (PublishGroup* group : outstanding_) {
      auto expected = PublishGroup::State::published;
      if (!group->state_.compare_exchange_strong(expected, PublishGroup::State::abandoned, std::memory_order_acq_rel))
        continue;  // it is being completed at this moment
      abandoned_.fetch_add(1, std::memory_order_relaxed);
      left.push_back(group);
    }
  }
  for (PublishGroup* group : left) settle(*group, true);
}

}  // namespace tracking::engine
