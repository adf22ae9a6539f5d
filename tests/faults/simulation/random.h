// Numbers that are the same on every machine, so that a seed replays.
#pragma once

#include <cstdint>

namespace tracking::simulation {

/// splitmix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// 0 .. bound - 1.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept { return low + below(high - low + 1); }
  bool chance(unsigned percent) noexcept { return below(100) < percent; }
  template <class List>
  auto& one_of(List& list) noexcept {
    return list[below(list.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tracking::simulation
