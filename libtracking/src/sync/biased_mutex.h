// A mutex for what belongs to one thread, and is looked at by others now and then.
#pragma once

#include <tracking/export.h>

#include <atomic>
#include <cassert>
#include <cstdint>

#include "sync/light_mutex.h"

namespace tracking::sync {

/// A biased lock: a thread that has it by a Hold many times in a row comes to own it, and from then on takes it and
/// gives it back by plain stores, without an instruction that waits until all that was stored before is in the cache.
///
/// Whoever else takes it ends the ownership: he says so, has the kernel run a memory barrier on every processor that is
/// running this process (membarrier(2)), and waits until the owner is out. So the owner needs no barrier between "I am
/// in" and "am I the owner still?": either it sees that it is not, or the other sees that it is in. To own it again it
/// must take it many times in a row again, so that these barriers cost little however others come. Without
/// membarrier(2) nobody owns it, and it is as good as a LightMutex.
///
/// Only the thread that owned it first ever owns it again, unless disown() is called: one that was stopped right before
/// it said "I am in" must not say so of another owner.
///
/// Not fair, not recursive. It must not be destroyed before every Hold and Visit is gone.
class TRACKING_EXPORT BiasedMutex {
 public:
  BiasedMutex() noexcept = default;
  BiasedMutex(const BiasedMutex&) = delete;
  BiasedMutex& operator=(const BiasedMutex&) = delete;

  /// Has the mutex while it lives, or until release(), which the same thread calls. For the thread that it is to belong
  /// to.
  class Hold {
   public:
    explicit Hold(BiasedMutex& mutex) noexcept : mutex_(&mutex), is_owners_(mutex.enter()) {
      if (!is_owners_) mutex.lock();
    }
    ~Hold() { release(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    void release() noexcept {
      if (!mutex_) return;
      is_owners_ ? mutex_->leave() : mutex_->mutex_.unlock();
      mutex_ = nullptr;
    }

   private:
    BiasedMutex* mutex_;
    const bool is_owners_;
  };

  /// Has the mutex while it lives, and never owns it. For everyone else.
  class Visit {
   public:
    explicit Visit(BiasedMutex& mutex) noexcept : mutex_(mutex) { mutex_.lock_as_visitor(); }
    ~Visit() { mutex_.mutex_.unlock(); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    BiasedMutex& mutex_;
  };

  /// Another thread may own it from now on. Precondition: the thread that did is not inside a Hold or about to make
  /// one; if it makes one later, it has heard from the caller of this.
  void disown() noexcept;
  /// Whether a thread owns it now.
  bool is_owned() const noexcept { return owner_.load(std::memory_order_relaxed) != nobody; }

  static constexpr std::uint32_t turns_to_own = 1'024;

 private:
  using ThreadNumber = std::uint64_t;
  static constexpr ThreadNumber nobody = 0;
  static constexpr ThreadNumber unnumbered = 1;

  /// False: the calling thread is not the owner.
  bool enter() noexcept {
    if (owner_.load(std::memory_order_relaxed) != this_thread_) return false;
    assert(is_owner_in_.load(std::memory_order_relaxed) == 0);  // it is not recursive
    is_owner_in_.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // for the compiler; the processor's is the other's to make
    if (owner_.load(std::memory_order_relaxed) == this_thread_) return true;
    leave();
    return false;
  }
  void leave() noexcept {
    is_owner_in_.store(0, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (owner_.load(std::memory_order_relaxed) != this_thread_) wake_other();
  }
  void lock() noexcept;
  void lock_as_visitor() noexcept;
  void end_ownership() noexcept;
  void wake_other() noexcept;

  static constinit thread_local ThreadNumber this_thread_;
  static constinit std::atomic<bool> can_be_owned_;

  std::atomic<ThreadNumber> owner_{nobody};    // written with mutex_ held
  std::atomic<std::uint32_t> is_owner_in_{0};  // what the other waits on: a futex
  LightMutex mutex_;                           // of those who do not own it; guards what follows
  ThreadNumber only_owner_ = nobody;           // who may own it; nobody = not decided
  ThreadNumber last_ = nobody;                 // who had mutex_ last
  std::uint32_t turns_ = 0;                    // so many times in a row
};

}  // namespace tracking::sync
