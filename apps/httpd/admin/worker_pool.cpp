#include "worker_pool.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <system_error>

namespace tracking::httpd {
namespace {

constexpr std::chrono::seconds idle_max{5};

}  // namespace

void WorkerPool::enqueue(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  has_room_.wait(lock, [&] { return tasks_.size() < threads_max_; });
  tasks_.push_back(std::move(task));
  if (idle_ < tasks_.size() && threads_.size() == threads_max_) ask_for_room();
  if (idle_ < tasks_.size() && threads_.size() < threads_max_) {
    try {
      std::thread thread(&WorkerPool::work, this);
      const auto id = thread.get_id();
      threads_.emplace(id, std::move(thread));
    } catch (const std::system_error&) {
      // No thread to be had: the task waits for one that exists, or for the next connection's attempt.
    }
  }
  has_task_.notify_one();
  join_ended(lock);
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool has_task = has_task_.wait_for(lock, idle_max, [&] { return !tasks_.empty() || is_shut_down_; });
    --idle_;
    if (tasks_.empty() && (!has_task || is_shut_down_)) break;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    if (tasks_.empty()) take_back_requests();
    lock.unlock();
    has_room_.notify_one();
    task();
    task = nullptr;
    lock.lock();
  }
  const auto self = threads_.find(std::this_thread::get_id());
  ended_.push_back(std::move(self->second));
  threads_.erase(self);
  has_room_.notify_all();  // shutdown() waits for the last one
}

void WorkerPool::ask_for_room() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(crowded_, &one, sizeof one);
}

void WorkerPool::take_back_requests() noexcept {
  std::uint64_t one = 0;
  while (::read(crowded_, &one, sizeof one) > 0) {
  }
}

void WorkerPool::join_ended(std::unique_lock<std::mutex>& lock) {
  while (!ended_.empty()) {
    auto thread = std::move(ended_.front());
    ended_.pop_front();
    lock.unlock();
    thread.join();  // it has nothing left to do but return
    lock.lock();
  }
}

void WorkerPool::shutdown() {
  std::unique_lock lock(mutex_);
  is_shut_down_ = true;
  has_task_.notify_all();
  has_room_.wait(lock, [&] { return threads_.empty(); });
  join_ended(lock);
}

}  // namespace tracking::httpd
