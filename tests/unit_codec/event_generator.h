// Makes texts that are events, nearly events, nearly JSON, or noise; the same for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace tracking::testing {

class EventGenerator {
 public:
  explicit EventGenerator(std::uint64_t seed) : random_(seed) {}

  /// An object with members that events have, and others.
  std::string event();
  /// Any value, `levels` deep at most.
  std::string value(int levels);
  /// The text with a few bytes changed, removed, repeated or put in.
  std::string damaged(std::string text);

 private:
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  template <std::size_t size>
  std::string_view any_of(const std::string_view (&choices)[size]) {
    return choices[below(size)];
  }
  std::string space();
  std::string string();
  std::string number();
  std::string escaped(std::string_view plain);

  std::mt19937_64 random_;
};

}  // namespace tracking::testing
