// The wake of a subscription, which others may be about to call while the subscription goes away.
#pragma once

#include <tracking/subscription.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace tracking::history {

/// What a wake reaches: outlives the reader for as long as somebody is about to call it. Thread-safe.
class WakeCell {
 public:
  explicit WakeCell(Wake wake) : wake_(std::move(wake)) {}

  /// Cells to be called, of one thread. It leads through the cells themselves: telling readers needs no memory. Cells
  /// are put in with the lock held that guards what they are told of, and called without it.
  class List {
   public:
    void add(const std::shared_ptr<WakeCell>& cell) noexcept {
      // If it is in another thread's list, it will be called after this moment all the same, and so sees what is there.
      if (!cell->is_listed_.exchange(true, std::memory_order_acq_rel)) cell->next_ = std::exchange(first_, cell);
    }
    void call_all() noexcept {
      if (!first_) return;
      while (const auto cell = std::exchange(first_, nullptr)) {
        first_ = std::move(cell->next_);
        cell->is_listed_.store(false, std::memory_order_release);
        cell->call();
      }
    }

   private:
    std::shared_ptr<WakeCell> first_;
  };

  void call() {
    const std::lock_guard lock(mutex_);
    if (wake_) wake_();
  }
  /// After it returned, the wake is not called again.
  void cancel() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }

 private:
  std::mutex mutex_;
  Wake wake_;                       // guarded by mutex_
  std::shared_ptr<WakeCell> next_;  // of the list that it is in
  std::atomic<bool> is_listed_{false};
};

}  // namespace tracking::history
