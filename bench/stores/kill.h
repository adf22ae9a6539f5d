// A store that is killed while it is open: written to by a process of its own, which then kills itself.
#pragma once

#include <string>

#include "parts.h"

namespace tracking::bench {

/// What that process writes: up to `settled_end` in large groups, put in order; then up to `end` in groups of
/// `group_events`.
struct Script {
  std::uint64_t settled_end = 0;
  std::uint64_t end = 0;
  std::uint64_t group_events = 0;
};

/// Starts this program anew (a fork would lack RocksDB's threads), and waits until it is dead.
void write_and_die(const Contestant& contestant, const std::string& folder, const Script& script);

/// The process that write_and_die() starts: `arguments` are those behind "--write". Returns only if it fails.
int run_writer(const std::vector<Contestant>& contestants, std::span<char* const> arguments);

/// Lines repeat after so many events; no script writes a group across.
inline constexpr std::uint64_t script_period = 200'000;

}  // namespace tracking::bench
