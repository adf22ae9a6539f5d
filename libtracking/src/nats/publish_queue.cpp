#include "nats/publish_queue.h"

#include <algorithm>
#include <cstring>

namespace tracking::nats_io {
namespace {

struct Header {
  AccountId account_id;
  std::size_t size;
};

}  // namespace

PublishQueue::Pushed PublishQueue::push(const Lines& lines) noexcept {
  Pushed pushed;
  const std::lock_guard lock(mutex_);
  pushed.line_bytes_max = line_bytes_max_;
  if (!is_open_) {
    pushed.code = Code::broker_unavailable;
    return pushed;
  }
  try {
    for (const Line& line : lines) {
      const bool is_too_large = line.json.size() > line_bytes_max_;
      pushed.has_too_large |= is_too_large;
      if (!is_too_large) {
        if (bytes_ + sizeof(Header) + line.json.size() > bytes_max_) {
          pushed.code = Code::overloaded;
          return pushed;
        }
        append(line);
      }
      ++pushed.refused_from;
    }
  } catch (const std::bad_alloc&) {
    pushed.code = Code::overloaded;
  }
  return pushed;
}

void PublishQueue::append(const Line& line) {
  const Header header{line.account_id, line.json.size()};
  const std::size_t needed = sizeof header + line.json.size();
  if (blocks_.empty() || blocks_.back().capacity - blocks_.back().used < needed) blocks_.push_back(take_block(needed));
  Block& block = blocks_.back();
  std::memcpy(block.bytes.get() + block.used, &header, sizeof header);
  std::memcpy(block.bytes.get() + block.used + sizeof header, line.json.data(), line.json.size());
  block.used += needed;
  bytes_ += needed;
}

PublishQueue::Block PublishQueue::take_block(std::size_t bytes_needed) {
  if (bytes_needed <= block_bytes && !free_.empty()) {
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  const std::size_t capacity = std::max(bytes_needed, block_bytes);
  return {std::unique_ptr<char[]>(new char[capacity]), capacity};
}

void PublishQueue::recycle(Block block) {
  if (block.capacity != block_bytes || free_.size() >= free_blocks_max) return;
  block.used = block.read = 0;
  free_.push_back(std::move(block));
}

void PublishQueue::open(std::size_t line_bytes_max) noexcept {
  const std::lock_guard lock(mutex_);
  is_open_ = true;
  is_drained_ = false;
  line_bytes_max_ = line_bytes_max;
}

void PublishQueue::stop() noexcept {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
}

void PublishQueue::close() noexcept {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  blocks_.clear();
  bytes_ = 0;
  reading_.read = reading_.used;
  is_drained_ = true;
  drained_.notify_all();
}

bool PublishQueue::wait_drained(std::chrono::milliseconds time) noexcept {
  std::unique_lock lock(mutex_);
  return drained_.wait_for(lock, time, [this] { return is_drained_; });
}

bool PublishQueue::has_messages() noexcept {
  if (reading_.read < reading_.used) return true;
  const std::lock_guard lock(mutex_);
  if (!blocks_.empty()) return true;
  if (!is_open_ && !std::exchange(is_drained_, true)) drained_.notify_all();
  return false;
}

bool PublishQueue::take_next_block() {
  const std::lock_guard lock(mutex_);
  if (blocks_.empty()) return false;
  recycle(std::move(reading_));
  reading_ = std::move(blocks_.front());
  blocks_.pop_front();
  bytes_ -= reading_.used;
  return true;
}

bool PublishQueue::next(Message& message) noexcept {
  if (reading_.read == reading_.used && !take_next_block()) return false;
  Header header{};
  std::memcpy(&header, reading_.bytes.get() + reading_.read, sizeof header);
  message.account_id = header.account_id;
  message.json = {reading_.bytes.get() + reading_.read + sizeof header, header.size};
  reading_.read += sizeof header + header.size;
  return true;
}

}  // namespace tracking::nats_io
