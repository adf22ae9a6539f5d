#include "sync/light_mutex.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace tracking::sync {
namespace {

// A look takes 10 to 60 ns, as processors differ: 4 to 24 us in all. A history's is mostly held for less than 5 us (a
// batch of 256 events is copied), and to sleep and to be woken takes both sides several.
constexpr int looks = 400;

void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool call_membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

// Before the process has other threads it takes no time.
const bool LightMutex::has_process_barrier_ = call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

void LightMutex::lock_slowly() noexcept {
  for (int i = 0; i < looks; ++i) {
    relax();
    if (word_.load(std::memory_order_relaxed) == free && try_lock()) return;
  }
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  // Who gave it back before the barrier without having seen this sleeper is seen to have done so after it; from then on
  // everyone sees the sleeper. Where it fails after all (a filter of system calls that came later), nobody sleeps long.
  const bool is_seen = !has_process_barrier_ || call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  const std::timespec a_moment{.tv_sec = 0, .tv_nsec = 1'000'000};
  while (!try_lock())
    ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, taken, is_seen ? nullptr : &a_moment, nullptr, 0);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void LightMutex::wake_one() noexcept { ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

}  // namespace tracking::sync
