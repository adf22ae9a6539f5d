// cpp-httplib's task queue: threads are made when they are needed and end when they are not.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace tracking::httpd {

/// At most `threads_max` tasks run at once and as many again wait; then enqueue() waits, and connections stay in the
/// kernel's backlog. For each task that finds no thread, the `crowded` eventfd (a semaphore) is raised: a task that
/// only waits for a visitor to speak takes one and makes room.
class WorkerPool final : public httplib::TaskQueue {
 public:
  /// The descriptor is not owned.
  WorkerPool(std::size_t threads_max, int crowded) : threads_max_(threads_max), crowded_(crowded) {}

  void enqueue(std::function<void()> task) override;
  /// Runs what waits, then ends all threads.
  void shutdown() override;

 private:
  void work();
  void join_ended(std::unique_lock<std::mutex>& lock);
  void ask_for_room() noexcept;
  void take_back_requests() noexcept;

  const std::size_t threads_max_;
  const int crowded_;
  std::mutex mutex_;
  std::condition_variable has_task_;
  std::condition_variable has_room_;
  std::deque<std::function<void()>> tasks_;                   // guarded by mutex_
  std::unordered_map<std::thread::id, std::thread> threads_;  // guarded by mutex_
  std::deque<std::thread> ended_;                             // guarded by mutex_: to be joined
  std::size_t idle_ = 0;                                      // guarded by mutex_
  bool is_shut_down_ = false;                                 // guarded by mutex_
};

}  // namespace tracking::httpd
