#include <tracking/testing.h>

namespace tracking::testing {
namespace {
constexpr std::int64_t start_us = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
}

ManualClock::ManualClock() : now_us_(start_us), steady_ns_(0) {}

Timestamp ManualClock::now() noexcept { return Timestamp(std::chrono::microseconds(now_us_)); }

std::chrono::nanoseconds ManualClock::steady() noexcept { return std::chrono::nanoseconds(steady_ns_); }

void ManualClock::advance(std::chrono::nanoseconds by) noexcept {
  now_us_ += std::chrono::duration_cast<std::chrono::microseconds>(by).count();
  steady_ns_ += by.count();
}

void ManualClock::jump(std::chrono::microseconds by) noexcept { now_us_ += by.count(); }

}  // namespace tracking::testing
