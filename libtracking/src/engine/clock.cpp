#include <tracking/clock.h>

namespace tracking {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp now() noexcept override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  std::chrono::nanoseconds steady() noexcept override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

}  // namespace

Clock& Clock::system() noexcept {
  // It has no state: threads may read the time while the process ends.
  static SystemClock clock;
  return clock;
}

}  // namespace tracking
