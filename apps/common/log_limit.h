// How many log records of one kind may pass, and how many of all kinds.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tracking::apps {

/// Not thread-safe. Times are of a steady clock.
class LogLimit {
 public:
  struct Settings {
    unsigned burst_max = 10;
    std::chrono::nanoseconds window = std::chrono::seconds(10);
    unsigned per_second_max = 200;
  };
  /// A kind whose records were held back.
  struct Held {
    std::string message;
    std::uint64_t count = 0;
  };

  explicit LogLimit(const Settings& settings) : settings_(settings) {}

  /// True if the record may be written.
  bool admit(std::string_view message, unsigned level, std::chrono::nanoseconds now);
  /// Takes a kind whose window is over (or any, if `at_once`) and that has held records. False: there is none.
  bool take_held(std::chrono::nanoseconds now, bool at_once, Held& held);
  std::uint64_t held_total() const noexcept { return held_total_; }

 private:
  struct Kind {
    std::uint64_t key = 0;  // 0 = free
    std::chrono::nanoseconds start{};
    unsigned passed = 0;
    std::uint64_t held = 0;
    std::string message;  // the first one held
  };

  Kind& kind_of(std::uint64_t key, std::chrono::nanoseconds now);
  void hold(Kind& kind, std::string_view message);

  Settings settings_;
  std::array<Kind, 64> kinds_;
  std::chrono::nanoseconds second_start_{};
  unsigned passed_this_second_ = 0;
  std::uint64_t waiting_ = 0;  // held and not told yet
  std::uint64_t held_total_ = 0;
};

}  // namespace tracking::apps
