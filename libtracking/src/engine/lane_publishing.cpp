// The way from accepted events to the broker, and back with what it said.
#include <algorithm>
#include <utility>

#include "codec/event_line.h"
#include "codec/json.h"
#include "codec/rfc3339.h"
#include "engine/lane.h"

namespace tracking::engine {
namespace {

// One publish() carries at most so much: it bounds the lane's scratch memory and how long others wait for the broker.
constexpr std::size_t group_events_max = 1'024;
constexpr std::size_t group_bytes_max = 256 << 10;

std::string_view without_white_space(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n";
  const auto first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

// A broker may complete groups, the one being published or earlier ones, of this lane or another, while it is inside
// publish(): with our lock held. Those are settled by this thread when it holds no lock any more.
struct Publishing {
  PublishGroup* group = nullptr;     // what this thread is publishing now
  PublishGroup* deferred = nullptr;  // others that it was told of meanwhile
};
constinit thread_local Publishing publishing;

}  // namespace

void PublishGroup::resolve(std::size_t index, const Outcome& outcome) noexcept {
  if (index >= slots_.size()) return;
  if (outcomes_.empty()) {
    is_resolved_.assign(slots_.size(), false);
    outcomes_.resize(slots_.size());
  }
  if (is_resolved_[index]) return;
  is_resolved_[index] = true;
  outcomes_[index] = outcome;
}

void PublishGroup::finish(const Outcome& outcome) noexcept {
  // Member by member, as it was made: as a whole it would be loaded from stores that are still under way.
  rest_.code = outcome.code;
  rest_.ack = outcome.ack;
  rest_.duplicate = outcome.duplicate;
  rest_.first_accepted.reset();
  if (outcome.first_accepted) rest_.first_accepted = *outcome.first_accepted;
  if (publishing.group == this) {  // no other thread looks at it yet
    state_.store(State::finished, std::memory_order_relaxed);
    return;
  }
  switch (state_.exchange(State::finished, std::memory_order_acq_rel)) {
    case State::publishing:  // inside publish() on another thread: that goes on when the lane's lock is released
    case State::finished:
      return;
    case State::published:
      break;
    case State::abandoned:
      is_abandoned_ = true;
      break;
  }
  if (publishing.group) {
    next_finished_ = std::exchange(publishing.deferred, this);
    return;
  }
  lane_->conclude(*this);
}

void LaneCore::conclude(PublishGroup& group) {
  if (!group.is_abandoned_) return settle(group, false);
  let_go(group);
  abandoned_.fetch_sub(1, std::memory_order_release);  // last: without any the lane may end
}

// How many went to the broker; for those behind them there is no memory.
std::size_t LaneCore::publish(std::span<const EventSlot> slots, PublishGroup*& finished) {
  std::size_t published = 0;
  while (published < slots.size()) {
    const std::size_t some = publish_some(slots.subspan(published), finished);
    if (some == 0) break;
    published += some;
  }
  return published;
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
  PublishGroup* const prepared = prepare(slots.first(count), bytes);
  if (!prepared) return 0;
  PublishGroup& group = *prepared;
  take_timestamp();
  char* out = text_.get();
  const bool looks_ahead = count > 1 && sequences_.is_beyond_cache();
  const auto prefetch = [&](const EventSlot& slot) { sequences_.prefetch(slot.batch->events[slot.index].account_id); };
  for (std::size_t i = 0; looks_ahead && i < std::min(accounts_ahead, count); ++i) prefetch(slots[i]);
  for (std::size_t i = 0; i < count; ++i) {
    if (looks_ahead && i + accounts_ahead < count) prefetch(slots[i + accounts_ahead]);
    stamp(slots[i], lines_[i], out);
  }

  published_.store(published_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  PublishGroup* const outer = std::exchange(publishing.group, &group);
  shared_.broker->publish(Lines(lines_, ack), Completion(group));
  publishing.group = outer;
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

// All the memory that publishing takes; nullptr if there is none. Nothing of the events was used up then.
PublishGroup* LaneCore::prepare(std::span<const EventSlot> slots, std::size_t bytes) noexcept {
  PublishGroup* group = nullptr;
  try {
    if (bytes > text_size_ || text_size_ > 2 * std::max(bytes, group_bytes_max)) {
      text_size_ = 0;
      text_.reset();
      text_.reset(new char[bytes]);
      text_size_ = bytes;
    }
    if (sequences_.is_full()) next_producer();
    sequences_.reserve(slots.size());
    lines_.resize(slots.size());
    if (outstanding_.size() == outstanding_.capacity()) outstanding_.reserve(2 * outstanding_.size() + 16);
    group = &groups_.take();
    group->slots_.clear();
    group->slots_.reserve(slots.size());
    // Member by member, as in finish(): a slot was written just now.
    for (const EventSlot& slot : slots) group->slots_.push_back({slot.batch, slot.index, slot.has_line_breaks});
    group->outcomes_.reserve(slots.size());
    group->is_resolved_.reserve(slots.size());
  } catch (const std::bad_alloc&) {
    if (group) groups_.give_back(*group);
    return nullptr;
  }
  group->lane_ = this;
  group->outcomes_.clear();
  group->is_outstanding_ = false;
  group->is_abandoned_ = false;
  group->state_.store(PublishGroup::State::publishing, std::memory_order_relaxed);
  return group;
}

void LaneCore::stamp(const EventSlot& slot, Line& line, char*& out) {
  const Event& event = slot.batch->events[slot.index];
  Receipt& receipt = slot.batch->receipts[slot.index];
  if (event.id.empty() && ++ids_of_timestamp_ > EventIdKey::counter_mask)
    begin_timestamp(last_ + std::chrono::microseconds(1));
  receipt.timestamp = last_;

  const std::uint64_t sequence = sequences_.next(event.account_id);
  const std::string_view data = event.data.is_trusted() ? event.data.json() : without_white_space(event.data.json());
  char occurred_at[32];
  if (event.occurred_at) codec::write_rfc3339(occurred_at, *event.occurred_at);
  const codec::EventLineParts parts{.id = event.id,
                                    .account_id = event.account_id,
                                    .timestamp = timestamp_text_,
                                    .occurred_at = event.occurred_at ? occurred_at : nullptr,
                                    .producer = producer_,
                                    .sequence = sequence,
                                    .data = data};
  char* end = nullptr;
  if (event.id.empty()) {
    const codec::UuidText id = shared_.ids.id(id_part_, event.account_id, last_, id_counter_++, lane_);
    id.write(receipt.id.prepare(codec::UuidText::size));
    end = codec::write_event_line(out, parts, [&](char* at) { return id.write(at); });
  } else {
    receipt.id.assign(event.id);
    end = codec::write_event_line(out, parts);
  }
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
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second == second_) {
    codec::rewrite_rfc3339_fraction(timestamp_text_, time);
  } else {
    codec::write_rfc3339(timestamp_text_, time);
    second_ = second;
  }
  id_part_ = EventIdKey::common_part(time);
}

// What track() published, all of it of one batch: it is the caller that finishes so many events of that.
std::size_t LaneCore::settle_own(PublishGroup* finished) {
  std::size_t ended = 0;
  for (PublishGroup* next = in_order(finished); next;) {
    PublishGroup& group = *std::exchange(next, next->next_finished_);
    settle_events(group, 0, group.slots_.size(), false);
    ended += group.slots_.size();
    let_go(group);
  }
  return ended;
}

// What was completed on the way is older than what was published now.
void LaneCore::settle_deferred() {
  if (!publishing.group && publishing.deferred) conclude_in_order(std::exchange(publishing.deferred, nullptr));
}

void LaneCore::conclude_in_order(PublishGroup* finished) {
  for (PublishGroup* next = in_order(finished); next;) {
    PublishGroup& group = *std::exchange(next, next->next_finished_);
    group.lane_->conclude(group);
  }
}

// The list of what finished is in reverse: handlers run in the order of publishing.
PublishGroup* LaneCore::in_order(PublishGroup* finished) noexcept {
  PublishGroup* first = nullptr;
  while (finished) {
    PublishGroup* const group = std::exchange(finished, finished->next_finished_);
    group->next_finished_ = std::exchange(first, group);
  }
  return first;
}

void LaneCore::settle(PublishGroup& group, bool is_abandoned) {
  const std::size_t count = group.slots_.size();
  for (std::size_t begin = 0; begin < count;) {
    Batch* const batch = group.slots_[begin].batch;
    std::size_t end = begin + 1;
    while (end < count && group.slots_[end].batch == batch) ++end;
    settle_events(group, begin, end, is_abandoned);
    batch->finish(end - begin);
    begin = end;
  }
  if (!is_abandoned) let_go(group);
  shared_.settled.add(count);  // last: who finds nothing pending may end the lane
}

void LaneCore::settle_events(PublishGroup& group, std::size_t begin, std::size_t end, bool is_abandoned) {
  const bool has_single_outcomes = !is_abandoned && !group.outcomes_.empty();
  static constexpr Outcome in_doubt{.code = Code::in_doubt};
  const Outcome& rest = is_abandoned ? in_doubt : group.rest_;  // no copy: it was stored just now, see finish()
  for (; begin < end; ++begin) {
    const EventSlot& slot = group.slots_[begin];
    const Outcome& outcome = has_single_outcomes && group.is_resolved_[begin] ? group.outcomes_[begin] : rest;
    if (outcome.code == Code::ok && !outcome.duplicate && slot.batch->events[slot.index].id.empty()) {
      Receipt& receipt = slot.batch->receipts[slot.index];  // nobody can repeat it but with the id that it tells
      receipt.code = Code::ok;
      receipt.ack = outcome.ack;
      receipt.duplicate = false;
    } else {
      settle_event(slot, outcome);
    }
  }
}

void LaneCore::settle_event(const EventSlot& slot, const Outcome& outcome) {
  const Event& event = slot.batch->events[slot.index];
  Receipt& receipt = slot.batch->receipts[slot.index];
  const bool is_ok = outcome.code == Code::ok;
  receipt.code = outcome.code;
  receipt.ack = is_ok ? outcome.ack : AckLevel::broker_default;
  receipt.duplicate = is_ok && outcome.duplicate;
  if (receipt.duplicate) {  // the broker knew it, from another replica
    duplicates_.fetch_add(1, std::memory_order_relaxed);
    if (outcome.first_accepted) receipt.timestamp = *outcome.first_accepted;
  }
  if (is_ok && event.id.empty()) return;

  const EventId id = receipt.id;
  if (!is_ok && outcome.code != Code::in_doubt) {
    // A repeat with an id that we gave would be taken for one of an event that was accepted.
    receipt.id.clear();
    receipt.timestamp = {};
    if (event.id.empty()) return;
  }
  const auto key = shared_.duplicates.key(event.account_id, event.id.empty() ? id.view() : event.id);
  const auto now = shared_.options.clock->steady();
  if (outcome.code == Code::in_doubt && shared_.ids.verify(id, event.account_id))
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
    const sync::BiasedMutex::Visit lock(mutex_);
    remove_outstanding(group);
  }
  groups_.give_back(group);
}

void LaneCore::remove_outstanding(PublishGroup& group) noexcept {
  PublishGroup* const last = outstanding_.back();
  last->outstanding_index_ = group.outstanding_index_;
  outstanding_[group.outstanding_index_] = last;
  outstanding_.pop_back();
}

void LaneCore::abandon_pending() noexcept {
  PublishGroup* left = nullptr;
  {
    const sync::BiasedMutex::Visit lock(mutex_);
    for (PublishGroup* group : outstanding_) {
      auto expected = PublishGroup::State::published;
      if (!group->state_.compare_exchange_strong(expected, PublishGroup::State::abandoned, std::memory_order_acq_rel))
        continue;  // it is being completed at this moment
      abandoned_.fetch_add(1, std::memory_order_relaxed);
      group->next_abandoned_ = std::exchange(left, group);
    }
  }
  while (left) settle(*std::exchange(left, left->next_abandoned_), true);
}

}  // namespace tracking::engine
