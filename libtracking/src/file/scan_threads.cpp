#include "file/scan_threads.h"

#include <algorithm>

#include "codec/no_memory.h"

namespace tracking::file_log {

ReadAhead::~ReadAhead() = default;

ScanThreads::ScanThreads(const Settings& settings) : settings_(settings) {
  try {
    for (unsigned i = 0; i < settings_.threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::exception&) {
    stop();
    throw;
  }
}

ScanThreads::~ScanThreads() { stop(); }

void ScanThreads::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void ScanThreads::request(std::weak_ptr<ReadAhead> reader) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(reader));
  changed_.notify_one();
}

void ScanThreads::run(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  other_work_.push_back(std::move(work));
  changed_.notify_one();
}

void ScanThreads::released(const ReadAhead* reader, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = holders_.find(reader);
  if (found == holders_.end()) return;
  Holder& holder = found->second;
  bytes = std::min(bytes, holder.bytes);
  const bool was_full = bytes_ >= settings_.bytes_max;
  holder.bytes -= bytes;
  holder.touched = std::chrono::steady_clock::now();
  bytes_ -= bytes;
  if (holder.bytes == 0) holders_.erase(found);
  if (was_full) changed_.notify_all();
}

void ScanThreads::work() noexcept {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (!other_work_.empty()) {
      const auto work = std::move(other_work_.front());
      other_work_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    } else if (requests_.empty()) {
      changed_.wait(lock);
    } else if (has_room(lock)) {
      const auto request = std::move(requests_.front());
      requests_.pop_front();
      lock.unlock();
      serve(request);
      lock.lock();
    }
  }
}

void ScanThreads::serve(const std::weak_ptr<ReadAhead>& request) {
  const std::shared_ptr<ReadAhead> reader = request.lock();
  if (!reader) return;
  const std::size_t bytes = reader->fill();
  if (bytes > 0 && !has_memory_for([&] { enter(reader, bytes); })) reader->fail();
  reader->announce();
}

void ScanThreads::enter(const std::shared_ptr<ReadAhead>& reader, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  Holder& holder = holders_[reader.get()];
  holder.reader = reader;
  holder.bytes += bytes;
  holder.touched = std::chrono::steady_clock::now();
  bytes_ += bytes;
}

bool ScanThreads::has_room(std::unique_lock<std::mutex>& lock) {
  if (bytes_ < settings_.bytes_max) return true;
  const auto idlest = std::min_element(holders_.begin(), holders_.end(), [](const auto& a, const auto& b) {
    return a.second.touched < b.second.touched;
  });
  const auto until = idlest->second.touched + settings_.kept_for;
  if (until > std::chrono::steady_clock::now()) {
    changed_.wait_until(lock, until);
    return false;
  }
  const std::shared_ptr<ReadAhead> reader = idlest->second.reader.lock();
  lock.unlock();
  if (reader) reader->drop();
  lock.lock();
  return false;
}

}  // namespace tracking::file_log
