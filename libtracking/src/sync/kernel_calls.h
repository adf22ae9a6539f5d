// What mutexes of our own ask of processor and kernel.
#pragma once

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace tracking::sync {

/// A look takes 10 to 60 ns, as processors differ: 4 to 24 us in all. A history's mutex is mostly held for less than
/// 5 us (a batch of 256 events is copied), a lane's for less than 15, and to sleep and to be woken takes both sides
/// several.
inline constexpr int looks_before_sleep = 400;

/// Between two looks.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// membarrier(2), by MEMBARRIER_CMD_...; false: the kernel has none, or refuses.
inline bool call_membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

/// Sleeps while the word has that value; may also return for no reason. No `most` = without end.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value, const std::timespec* most) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, most, nullptr, 0);
}
inline void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace tracking::sync
