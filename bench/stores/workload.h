// The same events for every store, and the check that all of them come back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store.h"

namespace tracking::bench {

/// The example event, again and again: each with an id and a sequence of its own, both made from its position.
class Workload {
 public:
  explicit Workload(std::uint64_t events_max);

  /// Of the positions from `position` on; what comes after events_max is as from 1 on, and in another group.
  std::span<const Line> lines(std::uint64_t position, std::uint64_t count) const;
  std::string_view text(std::uint64_t position) const { return lines_[(position - 1) % lines_.size()].json; }
  double bytes_an_event() const noexcept {
    return static_cast<double>(text_.size()) / static_cast<double>(lines_.size());
  }

 private:
  std::string text_;
  std::vector<Line> lines_;
};

/// What a reader saw.
struct Seen {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wrong = 0;      ///< not what was written
  std::uint64_t told_lost = 0;  ///< what the store said is missing
};

/// Reads all; `is_checked`: compares each event, byte by byte.
Seen read_all(Store& store, const Workload& workload, bool is_checked);

/// Throws StoreError unless exactly the events 1 to `count` are there.
void expect_all(Store& store, const Workload& workload, std::uint64_t count);

/// Appends up to position `end`, exclusive.
void append_until(Store& store, const Workload& workload, std::uint64_t end, std::uint64_t group_events);

}  // namespace tracking::bench
