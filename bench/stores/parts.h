// The parts of the comparison; each prints a table in Markdown.
#pragma once

#include <string>
#include <vector>

#include "store.h"

namespace tracking::bench {

struct Settings {
  std::string folder;  ///< on the disk that is meant
  int rounds = 5;
  std::uint64_t start_bytes = std::uint64_t{1} << 30;
  std::vector<Contestant> contestants = {};
};

/// Appending groups of 1, 24 and 1,000 events, and reading them all again.
void compare_rates(const Settings& settings);
/// How long it takes after a kill until the newest event is read and one more is stored.
void compare_starts(const Settings& settings);
/// What a flipped byte costs, in each kind of file that a store has.
void compare_damage(const Settings& settings);

}  // namespace tracking::bench
