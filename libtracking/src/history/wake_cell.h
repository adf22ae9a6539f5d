// The wake of a subscription, which others may be about to call while the subscription goes away.
#pragma once

#include <tracking/subscription.h>

#include <mutex>

namespace tracking::history {

/// What a wake reaches: outlives the reader for as long as somebody is about to call it. Thread-safe.
class WakeCell {
 public:
  explicit WakeCell(Wake wake) : wake_(std::move(wake)) {}
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
  Wake wake_;  // guarded by mutex_
};

}  // namespace tracking::history
