// Where time comes from; tests turn it by hand (tracking::testing::ManualClock).
#pragma once

#include <tracking/event.h>

#include <chrono>

namespace tracking {

/// Thread-safe.
class TRACKING_EXPORT Clock {
 public:
  virtual ~Clock();
  /// The wall clock: may jump in either direction.
  virtual Timestamp now() noexcept = 0;
  /// Never goes back; only differences mean anything.
  virtual std::chrono::nanoseconds steady() noexcept = 0;

  /// The machine's clocks. Lives as long as the process.
  static Clock& system() noexcept;
};

}  // namespace tracking
