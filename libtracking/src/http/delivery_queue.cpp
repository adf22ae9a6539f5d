#include "http/delivery_queue.h"

#include "codec/no_memory.h"

#include <algorithm>

namespace tracking::remote {

DeliveryQueue::DeliveryQueue(AccountFilter filter, const Limits& limits, std::string asked, Wake wake)
    : limits_(limits), asked_(std::move(asked)), wake_(std::move(wake)), filter_(std::move(filter)) {}

// Called without the lock: the consumer may call back into us.
void DeliveryQueue::wake_if(bool is_due) {
  if (!is_due || !wake_) return;
  {
    const std::lock_guard lock(mutex_);
    if (!may_wake_) return;
    ++wakes_running_;
  }
  wake_();
  const std::lock_guard lock(mutex_);
  --wakes_running_;
  changed_.notify_all();
}

void DeliveryQueue::stop_waking() noexcept {
  std::unique_lock lock(mutex_);
  may_wake_ = false;
  changed_.wait(lock, [this] { return wakes_running_ == 0; });
}

void DeliveryQueue::make(StreamPlan& plan) const {
  const std::lock_guard lock(mutex_);
  plan.generation = generation_;
  plan.account_ids = filter_.account_ids();
  plan.position = position_;
}

bool DeliveryQueue::push(std::shared_ptr<const DeliveryBlock> block, const std::string& start,
                         const std::string& position, std::uint64_t generation) {
  bool is_due = false;
  {
    std::unique_lock lock(mutex_);
    const auto is_over = [&] { return is_closed_ || generation != generation_; };
    changed_.wait(lock, [&] { return is_over() || bytes_queued_ < limits_.bytes_max; });
    if (is_over()) return false;
    const bool is_first = position_.empty();
    std::string began = is_first ? start : std::string();
    std::string behind = position;
    if (!block->entries.empty()) {
      const std::size_t bytes = block->bytes.size();
      places_.push_back({std::move(block)});  // the last that may throw
      bytes_queued_ += bytes;
      is_due = std::exchange(is_wake_due_, false);
    }
    if (is_first) start_.swap(began);
    position_.swap(behind);
  }
  wake_if(is_due);
  return true;
}

void DeliveryQueue::end(Status status) noexcept {
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    if (has_ended_) return;
    has_ended_ = true;
    status_ = std::move(status);
    is_due = std::exchange(is_wake_due_, false);
  }
  wake_if(is_due);
}

void DeliveryQueue::close() noexcept {
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    has_ended_ = true;
    is_due = std::exchange(is_wake_due_, false);
  }
  changed_.notify_all();
  wake_if(is_due);
}

void DeliveryQueue::pause(std::chrono::milliseconds time, std::uint64_t generation) noexcept {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return is_closed_ || generation != generation_; });
}

DeliveryQueue::Reading DeliveryQueue::hand_out(Deliveries& out, std::size_t events_max, std::size_t bytes_max) const {
  Reading reading{.events = events_read_};
  std::size_t bytes = 0;
  const auto is_full = [&] {
    const bool is_at_limit = limits_.events_max > 0 && reading.events == limits_.events_max;
    return is_at_limit || out.size() >= events_max || bytes >= std::max<std::size_t>(bytes_max, 1);
  };
  for (; reading.places < places_.size(); ++reading.places) {
    const Place& place = places_[reading.places];
    const DeliveryBlock& block = *place.block;
    for (reading.next = place.next; reading.next < block.entries.size(); ++reading.next) {
      if (is_full()) return reading;
      const auto& entry = block.entries[reading.next];
      const auto cursor = block.cursor(entry);
      if (entry.gap >= 0) {
        out.add_gap(block.gaps[static_cast<std::size_t>(entry.gap)], {}, cursor);
      } else if (filter_.wants(entry.account_id, entry.timestamp, cursor)) {
        out.keep(place.block);
        out.add({.json = block.json(entry), .account_id = entry.account_id, .cursor_text = cursor});
        bytes += entry.json_size;
        ++reading.events;
      } else {
        continue;
      }
      reading.handed = cursor;
    }
  }
  return reading;
}

// Takes what was read out of the queue. Its first step alone may throw.
void DeliveryQueue::follow(const Reading& reading) {
  if (!reading.handed.empty()) handed_ = reading.handed;
  for (std::size_t i = 0; i < reading.places; ++i) {
    bytes_queued_ -= places_.front().block->bytes.size();
    places_.pop_front();
  }
  if (!places_.empty()) places_.front().next = reading.next;
  events_read_ = reading.events;
  if (events_read_ == limits_.events_max && limits_.events_max > 0) is_closed_ = has_ended_ = true;
}

// The position goes back before what is dropped: who resumes there misses nothing.
void DeliveryQueue::drop_places() noexcept {
  if (places_.empty()) return;
  position_.swap(handed_.empty() ? start_ : handed_);
  places_.clear();
  bytes_queued_ = 0;
}

ReadState DeliveryQueue::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept {
  out.clear();
  ReadState state = ReadState::more;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) drop_places();
    if (!has_memory_for([&] { follow(hand_out(out, events_max, bytes_max)); })) {
      out.clear();
      drop_places();
      is_closed_ = has_ended_ = true;
      status_ = no_memory(Code::overloaded);
    }
    if (is_closed_ || (places_.empty() && has_ended_)) {
      state = ReadState::ended;
    } else if (places_.empty()) {
      state = ReadState::idle;
      is_wake_due_ = true;
    }
  }
  changed_.notify_all();
  return state;
}

bool DeliveryQueue::adds(std::span<const AccountId> account_ids) const noexcept {
  const std::lock_guard lock(mutex_);
  return filter_.adds(account_ids);
}

bool DeliveryQueue::is_same(std::span<const AccountId> account_ids) const {
  const AccountFilter other({account_ids.begin(), account_ids.end()});
  const std::lock_guard lock(mutex_);
  return filter_.account_ids() == other.account_ids();
}

void DeliveryQueue::change_accounts(std::span<const AccountId> account_ids, const StartMark& mark) {
  {
    const std::lock_guard lock(mutex_);
    filter_.change(account_ids, mark);
    ++generation_;
  }
  changed_.notify_all();
}

std::string DeliveryQueue::cursor() const {
  const std::lock_guard lock(mutex_);
  // Heartbeats move the position on while nothing happens.
  const std::string& known = places_.empty() ? position_ : handed_.empty() ? start_ : handed_;
  return known.empty() ? asked_ : known;
}

Status DeliveryQueue::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool DeliveryQueue::is_open() const noexcept {
  const std::lock_guard lock(mutex_);
  return !is_closed_ && !has_ended_;
}

bool DeliveryQueue::is_current(std::uint64_t generation) const noexcept {
  const std::lock_guard lock(mutex_);
  return !is_closed_ && !has_ended_ && generation == generation_;
}

}  // namespace tracking::remote
