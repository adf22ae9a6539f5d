// How two threads of a test meet at a mutex.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace tracking::sync::test {

/// Works for so long, without sleeping.
inline void work_for(std::chrono::nanoseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
  }
}

/// Waits until the other thread had the mutex in this round. A wake-up that is lost is made good by nobody: then the
/// program ends here, as the other would sleep for ever.
inline void wait_until_had(const std::atomic<int>& had, int round) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (had < round && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  if (had >= round) return;
  ADD_FAILURE() << "nobody woke it in round " << round;
  std::abort();
}

}  // namespace tracking::sync::test
