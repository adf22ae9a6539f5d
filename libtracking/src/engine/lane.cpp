#include "engine/lane.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "codec/event_decoder.h"
#include "codec/json.h"

namespace tracking::engine {
namespace {

// Which bit of a 64-bit set stands for the account.
std::uint64_t bit_of(AccountId id) {
  return std::uint64_t{1} << (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15u >> 58);
}

// What a batch used before is used again: to make a receipt takes more than to write its few members.
void make_new(std::vector<Receipt>& receipts, std::size_t count) {
  if (receipts.size() != count) receipts.resize(count);
  for (Receipt& receipt : receipts) {
    receipt.code = Code::internal;
    receipt.ack = AckLevel::broker_default;
    receipt.duplicate = false;
    receipt.id.clear();
    receipt.timestamp = {};
  }
}

}  // namespace

LaneCore::LaneCore(Shared& shared) : shared_(shared), lane_(shared.ids.new_lane()) {
  next_producer();
  id_counter_ = std::random_device()();  // two processes that start at once do not count alike
}

void LaneCore::track(std::span<const Event> events, ReceiptHandler&& done, TrackOptions options) noexcept {
  sync::BiasedMutex::Hold lock(mutex_);
  Batch* const batch = begin(events);
  if (!batch) {
    lock.release();
    return refuse_unseen(events.size(), done, Code::overloaded);
  }
  batch->ack = options.ack == AckLevel::broker_default ? shared_.default_ack : options.ack;
  batch->stops_at_failure = options.stops_at_failure;
  PublishGroup* finished = nullptr;
  std::size_t published = 0;
  std::size_t ended = take(*batch, published, finished);
  lock.release();
  settle_deferred();
  const std::size_t settled = settle_own(finished);
  const auto unpublished = std::span(batch->slots).subspan(published);
  for (const EventSlot& slot : unpublished) settle_event(slot, {.code = Code::overloaded});
  ended += settled + unpublished.size();
  batch->finish_call(ended + 1, std::move(done));
  if (settled > 0) shared_.settled.add(settled);
}

// nullptr: there is no memory for the batch. Beyond this point only single events can be without.
Batch* LaneCore::begin(std::span<const Event> events) noexcept {
  Batch* batch = nullptr;
  try {
    misses_.reserve(events.size());
    batch = &batches_.take();
    make_new(batch->receipts, events.size());
    batch->slots.clear();
    batch->slots.reserve(events.size());
  } catch (const std::bad_alloc&) {
    if (batch) batches_.give_back(*batch);
    return nullptr;
  }
  batch->pool = &batches_;
  batch->events = events;
  if (!batch->parked.empty()) batch->parked.clear();  // clearing what is empty costs as much
  batch->unfinished.store(events.size() + 1, std::memory_order_relaxed);
  return batch;
}

// The first `published` of the batch's slots went to the broker; for the others there was no memory.
std::size_t LaneCore::take(Batch& batch, std::size_t& published, PublishGroup*& finished) {
  const bool is_ack_given = batch.ack == AckLevel::stored ? shared_.traits.gives_stored : shared_.traits.gives_sent;
  if (shared_.is_closed.load(std::memory_order_acquire)) return refuse_from(batch, 0, Code::closed);
  if (!is_ack_given) return refuse_from(batch, 0, Code::ack_unavailable);
  std::size_t ended = sort_out(batch);
  published = publish(batch.slots, finished);
  if (misses_.empty()) return ended;
  const bool is_memory_short = published < batch.slots.size();
  ended += park_misses(batch);
  if (!is_memory_short) published += publish(std::span(batch.slots).subspan(published), finished);
  return ended;
}

void LaneCore::refuse_unseen(std::size_t events, const ReceiptHandler& done, Code code) noexcept {
  Receipt receipt;
  receipt.code = code;
  done(std::span<const Receipt>(&receipt, events == 1 ? 1 : 0));
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
  BatchLookups lookups(shared_.directory);
  const std::size_t count = batch.events.size();
  const bool looks_ahead = count > 1 && shared_.directory.is_beyond_processor_cache();
  for (std::size_t i = 0; looks_ahead && i < std::min(accounts_ahead, count); ++i)
    shared_.directory.prefetch(batch.events[i].account_id);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (looks_ahead && i + accounts_ahead < count)
      shared_.directory.prefetch(batch.events[i + accounts_ahead].account_id);
    const Event& event = batch.events[i];
    bool has_line_breaks = false;
    if (!check(event, batch.receipts[i], has_line_breaks)) {
      ++ended;
      continue;
    }
    const EventSlot slot{.batch = &batch, .index = i, .has_line_breaks = has_line_breaks};
    // Once an account was missed its later events go the same way, so that none overtakes it.
    const std::uint64_t bit = bit_of(event.account_id);
    auto answer = missed_accounts & bit ? AccountAnswer::must_wait : lookups.find(event.account_id);
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
      // Member by member: as a whole it would be loaded from stores that are still under way.
      batch.slots.push_back({&batch, i, has_line_breaks});
      continue;
    }
    bool goes_on = false;
    ended += take_answer(slot, answer, goes_on);
    if (goes_on) batch.slots.push_back(slot);
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
    check(batch.events[index], batch.receipts[index], slot.has_line_breaks);
    const AccountAnswer answer = park(slot);
    if (answer == AccountAnswer::must_wait) continue;
    bool goes_on = false;
    ended += take_answer(slot, answer, goes_on);
    if (goes_on) batch.slots.push_back(slot);
  }
  return ended;
}

// Once it waits, the event's node is not ours to look at.
AccountAnswer LaneCore::park(const EventSlot& slot) noexcept {
  ParkedEvent* parked = nullptr;
  try {
    parked = &slot.batch->parked.emplace_back();
  } catch (const std::bad_alloc&) {
    return AccountAnswer::overloaded;
  }
  parked->slot = slot;
  parked->account_id = slot.batch->events[slot.index].account_id;
  parked->target = this;
  return shared_.directory.park(*parked);
}

// `goes_on`: it is to be published.
std::size_t LaneCore::take_answer(const EventSlot& slot, AccountAnswer answer, bool& goes_on) {
  std::size_t ended = 0;
  goes_on = false;
  if (answer == AccountAnswer::active) {
    goes_on = !is_repeat(slot, ended);
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
  for (; parked.size() > resolved_max; parked = parked.subspan(resolved_max)) resolve_some(parked.first(resolved_max));
  resolve_some(parked);
}

void LaneCore::resolve_some(std::span<Parked* const> parked) noexcept {
  // On the stack: there is no one to tell that there is no memory.
  std::array<EventSlot, resolved_max> accepted;
  std::array<Batch*, resolved_max> ended;
  std::size_t accepted_count = 0;
  std::size_t ended_count = 0;
  std::size_t published = 0;
  PublishGroup* finished = nullptr;
  {
    const sync::BiasedMutex::Visit lock(mutex_);
    for (Parked* node : parked) {
      const EventSlot slot = static_cast<ParkedEvent*>(node)->slot;
      bool goes_on = false;
      if (take_answer(slot, node->answer, goes_on) > 0) ended[ended_count++] = slot.batch;
      if (goes_on) accepted[accepted_count++] = slot;
    }
    published = publish({accepted.data(), accepted_count}, finished);
  }
  settle_deferred();
  conclude_in_order(finished);
  for (; published < accepted_count; ++published) {
    settle_event(accepted[published], {.code = Code::overloaded});
    ended[ended_count++] = accepted[published].batch;  // an event is in one of the two
  }
  for (std::size_t i = 0; i < ended_count; ++i) ended[i]->finish(1);
}

[[gnu::always_inline]] bool LaneCore::check(const Event& event, Receipt& receipt,
                                            bool& has_line_breaks) const noexcept {
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
  has_line_breaks = traits.has_line_breaks;
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

void LaneCore::next_producer() {
  constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr int name_size = 8;
  std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
  producer_.clear();
  for (int i = 0; i < name_size; ++i) producer_ += alphabet[pick(device)];
  sequences_.clear();
}

}  // namespace tracking::engine
