// A mutex for what takes less time than falling asleep.
#pragma once

#include <tracking/export.h>

#include <atomic>
#include <cstdint>

namespace tracking::sync {

/// For state that one thread changes all the time, and others now and then.
///
/// It is taken by one locked instruction and given back by none: that is half of what a std::mutex costs a thread that
/// finds it free. Who finds it taken looks again for some microseconds, and then sleeps. Before it sleeps it has the
/// kernel run a memory barrier on every processor that is running this process (membarrier(2)). So the one who gives it
/// back needs none between "it is free" and "does anyone sleep?": either it sees the sleeper, or the sleeper sees that
/// it is free. Where the kernel has no such call, giving it back takes a barrier.
///
/// The price: each time that someone falls asleep, every processor that runs this process is interrupted for a moment.
/// Not fair, not recursive. Unlike a std::mutex it must not be destroyed before every unlock() has returned: that looks
/// for sleepers when others may have it already. Meets the standard's Lockable requirements.
class TRACKING_EXPORT LightMutex {
 public:
  LightMutex() noexcept = default;
  LightMutex(const LightMutex&) = delete;
  LightMutex& operator=(const LightMutex&) = delete;

  void lock() noexcept {
    if (!try_lock()) lock_slowly();
  }
  bool try_lock() noexcept {
    std::uint32_t expected = free;
    return word_.compare_exchange_strong(expected, taken, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    word_.store(free, std::memory_order_release);
    if (has_process_barrier_) {
      std::atomic_signal_fence(std::memory_order_seq_cst);  // for the compiler
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    if (sleepers_.load(std::memory_order_relaxed) != 0) wake_one();
  }

  /// Whether the kernel runs memory barriers for us.
  static bool has_process_barrier() noexcept { return has_process_barrier_; }

 private:
  static constexpr std::uint32_t free = 0;
  static constexpr std::uint32_t taken = 1;

  void lock_slowly() noexcept;
  void wake_one() noexcept;

  static const bool has_process_barrier_;  // false until it is known

  std::atomic<std::uint32_t> word_{free};  // what sleepers wait on: a futex
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace tracking::sync
