#include "http/delivery_queue.h"

namespace tracking::remote {

DeliveryQueue::DeliveryQueue(AccountFilter filter, const Limits& limits, Wake wake)
    : limits_(limits), wake_(std::move(wake)), filter_(std::move(filter)) {}

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

void DeliveryQueue::stop_waking() {
  std::unique_lock lock(mutex_);
  may_wake_ = false;
  changed_.wait(lock, [this] { return wakes_running_ == 0; });
}

StreamPlan DeliveryQueue::plan() const {
  const std::lock_guard lock(mutex_);
  return {.account_ids = filter_.account_ids(), .generation = generation_, .position = position_};
}

bool DeliveryQueue::push(std::shared_ptr<const DeliveryBlock> block, const std::string& position,
                         std::uint64_t generation) {
  bool is_due = false;
  {
    std::unique_lock lock(mutex_);
    const auto is_over = [&] { return is_closed_ || generation != generation_; };
    changed_.wait(lock, [&] { return is_over() || bytes_queued_ < limits_.bytes_max; });
    if (is_over()) return false;
    if (start_.empty()) start_ = position;
    position_ = position;
    if (!block->entries.empty()) {
      bytes_queued_ += block->bytes.size();
      places_.push_back({std::move(block)});
      is_due = std::exchange(is_wake_due_, false);
    }
  }
  wake_if(is_due);
  return true;
}

void DeliveryQueue::end(Status status) {
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

void DeliveryQueue::close() {
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

void DeliveryQueue::pause(std::chrono::milliseconds time, std::uint64_t generation) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return is_closed_ || generation != generation_; });
}

// Moves one entry from the queue to `out`. False: the queue is empty.
bool DeliveryQueue::take(Deliveries& out, std::size_t bytes_max, std::size_t& bytes) {
  if (places_.empty()) return false;
  Place& place = places_.front();
  const DeliveryBlock& block = *place.block;
  const auto& entry = block.entries[place.next++];
  const auto cursor = block.cursor(entry);
  if (entry.gap >= 0) {
    out.add_gap(block.gaps[static_cast<std::size_t>(entry.gap)], {}, cursor);
    handed_ = cursor;
  } else if (filter_.wants(entry.account_id, entry.timestamp, cursor)) {
    out.keep(place.block);
    out.add({.json = block.json(entry), .account_id = entry.account_id, .cursor_text = cursor});
    handed_ = cursor;
    bytes += entry.json_size;
    if (++events_read_ == limits_.events_max) is_closed_ = has_ended_ = true;
  }
  if (place.next == block.entries.size()) {
    bytes_queued_ -= block.bytes.size();
    places_.pop_front();
  }
  return !is_closed_ && bytes < bytes_max;
}

ReadState DeliveryQueue::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) {
  out.clear();
  ReadState state = ReadState::more;
  {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = 0;
    if (is_closed_) places_.clear();
    while (out.size() < events_max && take(out, bytes_max, bytes)) {
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

bool DeliveryQueue::adds(std::span<const AccountId> account_ids) const {
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
  if (places_.empty()) return position_;  // heartbeats move it on while nothing happens
  return handed_.empty() ? start_ : handed_;
}

Status DeliveryQueue::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool DeliveryQueue::is_open() const {
  const std::lock_guard lock(mutex_);
  return !is_closed_ && !has_ended_;
}

bool DeliveryQueue::is_current(std::uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  return !is_closed_ && !has_ended_ && generation == generation_;
}

}  // namespace tracking::remote
