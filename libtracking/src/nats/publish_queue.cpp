#include "nats/publish_queue.h"

#include <algorithm>
#include <cstring>

#include "codec/no_memory.h"

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
  pushed.begin = read_bytes_ + bytes_;
  try {
    for (const Line& line : lines) {
      const bool is_too_large = line.json.size() > line_bytes_max_;
      pushed.has_too_large |= is_too_large;
      if (!is_too_large) {
        if (bytes_ + sizeof(Header) + line.json.size() > bytes_max_) {
          pushed.code = Code::overloaded;
          break;
        }
        append(line);
      }
      ++pushed.refused_from;
    }
  } catch (const std::bad_alloc&) {
    pushed.code = Code::overloaded;
  }
  pushed.end = read_bytes_ + bytes_;
  pushed.is_far_back = pushed.code == Code::ok && !is_near(pushed.end);  // a refusal is told at once
  return pushed;
}

bool PublishQueue::hold(const Pushed& pushed, Completion& done) noexcept {
  const std::lock_guard lock(mutex_);
  if (is_near(pushed.end)) return false;
  if (!has_memory_for([&] { held_.emplace_back(); })) return false;
  held_.back() = {pushed.begin, pushed.end, std::chrono::steady_clock::now(), std::move(done)};
  return true;
}

template <class IsDue, class Tell>
void PublishQueue::tell_while(IsDue is_due, Tell tell) noexcept {
  std::unique_lock lock(mutex_);
  while (!held_.empty() && is_due(held_.front())) {
    Held held = std::move(held_.front());
    held_.pop_front();
    lock.unlock();
    tell(held);
    lock.lock();
  }
}

void PublishQueue::tell_near() noexcept {
  tell_while([this](const Held& held) { return is_near(held.end); },
             [](Held& held) { held.done->all(AckLevel::sent); });
}

void PublishQueue::tell_held_since(std::chrono::steady_clock::time_point time) noexcept {
  tell_while([time](const Held& held) { return held.since <= time; },
             [](Held& held) { held.done->all(AckLevel::sent); });
}

void PublishQueue::give_up_held() noexcept {
  tell_while([](const Held&) { return true; }, [](Held& held) { held.done->all(Code::in_doubt); });
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
  ++block.lines;
  ++taken_;
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

// There is room reserved for it.
void PublishQueue::recycle(Block block) noexcept {
  if (block.capacity != block_bytes || free_.size() >= free_blocks_max) return;
  block.used = block.read = 0;
  block.lines = 0;
  free_.push_back(std::move(block));
}

void PublishQueue::open(std::size_t line_bytes_max) noexcept {
  const std::lock_guard lock(mutex_);
  is_open_ = !has_ended_;
  line_bytes_max_ = line_bytes_max;
}

bool PublishQueue::is_open() const noexcept {
  const std::lock_guard lock(mutex_);
  return is_open_;
}

void PublishQueue::stop() noexcept {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
}

void PublishQueue::end() noexcept {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  is_open_ = false;
}

void PublishQueue::close() noexcept {
  std::uint64_t read = 0;
  {
    const std::lock_guard lock(mutex_);
    is_open_ = false;
    read = read_bytes_;
    read_bytes_ += bytes_;
    blocks_.clear();
    bytes_ = 0;
    reading_ = {};
    handed_ = taken_;
    handed_changed_.notify_all();
  }
  // Of a large batch some may have been sent. Nothing is held any more that was taken before.
  tell_while([](const Held&) { return true; },
             [read](Held& held) { held.done->all(held.begin < read ? Code::in_doubt : Code::broker_unavailable); });
}

std::uint64_t PublishQueue::taken() noexcept {
  const std::lock_guard lock(mutex_);
  return taken_;
}

std::uint64_t PublishQueue::waiting() noexcept {
  const std::lock_guard lock(mutex_);
  return taken_ - handed_;
}

bool PublishQueue::wait_handed(std::uint64_t count, std::chrono::milliseconds time) noexcept {
  std::unique_lock lock(mutex_);
  return handed_changed_.wait_for(lock, time, [&] { return handed_ >= count; });
}

bool PublishQueue::has_messages() noexcept {
  if (reading_.read < reading_.used) return true;
  const std::lock_guard lock(mutex_);
  count_handed();
  return !blocks_.empty();
}

// mutex_ held, and all of reading_ was read.
void PublishQueue::count_handed() {
  if (reading_.lines == 0) return;
  handed_ += std::exchange(reading_.lines, 0);
  handed_changed_.notify_all();
}

bool PublishQueue::next(Message& message) noexcept {
  if (reading_.read == reading_.used) {
    const std::lock_guard lock(mutex_);
    count_handed();
    if (blocks_.empty()) return false;
    recycle(std::move(reading_));
    reading_ = std::move(blocks_.front());
    blocks_.pop_front();
    bytes_ -= reading_.used;
    read_bytes_ += reading_.used;
  }
  Header header{};
  std::memcpy(&header, reading_.bytes.get() + reading_.read, sizeof header);
  message.account_id = header.account_id;
  message.json = {reading_.bytes.get() + reading_.read + sizeof header, header.size};
  reading_.read += sizeof header + header.size;
  return true;
}

}  // namespace tracking::nats_io
