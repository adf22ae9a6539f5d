#include "sync/light_mutex.h"

#include "sync/kernel_calls.h"

namespace tracking::sync {

// Before the process has other threads it takes no time.
const bool LightMutex::has_process_barrier_ = call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

void LightMutex::lock_slowly() noexcept {
  for (int i = 0; i < looks_before_sleep; ++i) {
    relax();
    if (word_.load(std::memory_order_relaxed) == free && try_lock()) return;
  }
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  // Who gave it back before the barrier without having seen this sleeper is seen to have done so after it; from then on
  // everyone sees the sleeper. Where it fails after all (a filter of system calls that came later), nobody sleeps long.
  const bool is_seen = !has_process_barrier_ || call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  const std::timespec a_moment{.tv_sec = 0, .tv_nsec = 1'000'000};
  while (!try_lock()) futex_wait(word_, taken, is_seen ? nullptr : &a_moment);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void LightMutex::wake_one() noexcept { futex_wake_one(word_); }

}  // namespace tracking::sync
