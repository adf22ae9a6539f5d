// What an event loop waits for: descriptors, tasks of other threads, and time.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "server/file_descriptor.h"

namespace tracking::httpd {

/// Epoll, as far as a listener needs it. A descriptor stays registered until it is closed, so that a request costs no
/// call of the kernel beside those that move its bytes; and all that is ready comes in one round, so that the loop
/// knows when one begins. (Boost.Asio tries another receive after each that brought something, or else calls epoll_ctl
/// for each wait, and takes three mutexes a request: 0.45 µs of 5.3.)
class Reactor {
 public:
  /// Who is told of a descriptor.
  class Watcher {
   public:
    /// By epoll's flags. May be told in the round in which the descriptor was closed, so that the watcher outlives it.
    virtual void ready(std::uint32_t events) noexcept = 0;

   protected:
    ~Watcher() = default;
  };

  /// Throws std::system_error.
  Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Any thread: has the task run soon by the thread that dispatches. Throws std::bad_alloc.
  void post(std::function<void()> task);

  // One thread's.
  /// Tells `watcher` of `events`, until the descriptor is closed. False if the kernel has no memory for it.
  bool watch(int descriptor, Watcher& watcher, std::uint32_t events) noexcept;
  /// Of these from now on.
  bool watch_for(int descriptor, Watcher& watcher, std::uint32_t events) noexcept;
  /// From now on dispatch() tells of each `tick` that passes; of none if it is zero.
  void set_tick(std::chrono::milliseconds tick) noexcept;

  /// A round: waits for something to be there, or only looks ...
  void wait(bool may_block) noexcept;
  /// ... and tells of it. True if a tick has passed.
  bool dispatch() noexcept;

 private:
  /// As many as are answered in well under a millisecond, because streams and tasks wait for the end of the round.
  static constexpr int events_max = 128;

  void run_tasks() noexcept;

  const FileDescriptor epoll_;
  FileDescriptor alarm_;  // an eventfd; it rings for tasks of other threads
  FileDescriptor timer_;
  std::array<epoll_event, events_max> events_;
  int event_count_ = 0;
  bool has_own_tasks_ = false;  // posted by the dispatching thread, for which the alarm isn't rung
  std::vector<std::function<void()>> running_;

  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // guarded by mutex_
};

}  // namespace tracking::httpd
