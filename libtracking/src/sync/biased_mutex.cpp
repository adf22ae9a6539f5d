#include "sync/biased_mutex.h"

#include <cerrno>

#include "sync/kernel_calls.h"

namespace tracking::sync {

constinit thread_local BiasedMutex::ThreadNumber BiasedMutex::this_thread_ = BiasedMutex::unnumbered;
constinit std::atomic<bool> BiasedMutex::can_be_owned_{true};

void BiasedMutex::lock() noexcept {
  mutex_.lock();
  if (owner_.load(std::memory_order_relaxed) != nobody) end_ownership();
  if (this_thread_ == unnumbered) {
    static constinit std::atomic<ThreadNumber> last{unnumbered};
    this_thread_ = last.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  if (last_ != this_thread_) {
    last_ = this_thread_;
    turns_ = 0;
  }
  if (++turns_ != turns_to_own) return;
  turns_ = 0;
  if (!can_be_owned_.load(std::memory_order_relaxed) || !LightMutex::has_process_barrier()) return;
  if (only_owner_ == nobody) only_owner_ = this_thread_;
  if (only_owner_ == this_thread_) owner_.store(this_thread_, std::memory_order_relaxed);  // from the next time on
}

void BiasedMutex::lock_as_visitor() noexcept {
  mutex_.lock();
  if (owner_.load(std::memory_order_relaxed) != nobody) end_ownership();
  last_ = nobody;
}

void BiasedMutex::disown() noexcept {
  lock_as_visitor();
  only_owner_ = nobody;
  mutex_.unlock();
}

// mutex_ held.
void BiasedMutex::end_ownership() noexcept {
  owner_.store(nobody, std::memory_order_relaxed);
  // An owner that went in before the barrier without having seen that it is none any more is seen to be in after it.
  if (!call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) {
    // Refused since (a filter of system calls that came later). What a processor stored is seen by the others long
    // before this is over.
    can_be_owned_.store(false, std::memory_order_relaxed);
    std::timespec left{.tv_sec = 0, .tv_nsec = 1'000'000};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
  }
  for (int i = 0; is_owner_in_.load(std::memory_order_acquire) != 0; ++i) {
    i < looks_before_sleep ? relax() : futex_wait(is_owner_in_, 1, nullptr);
  }
}

void BiasedMutex::wake_other() noexcept { futex_wake_one(is_owner_in_); }

}  // namespace tracking::sync
