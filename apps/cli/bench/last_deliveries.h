// Tells when the last of many subscribers has an event.
#pragma once

#include <cstdint>
#include <map>

namespace tracking::cli {

/// Counts deliveries by the time at which their events were due. One thread at a time.
class LastDeliveries {
 public:
  /// `deliveries`: of one time, that make it whole: subscribers times events in a request.
  explicit LastDeliveries(std::uint64_t deliveries) : deliveries_(deliveries) {}

  /// True if this was the last one of that time.
  bool count(std::int64_t due_ns);

 private:
  /// What is refused, or lost on one of its ways, is never whole: the oldest ones are forgotten.
  static constexpr std::size_t under_way_max = 10'000;

  const std::uint64_t deliveries_;
  std::map<std::int64_t, std::uint64_t> counted_;
};

}  // namespace tracking::cli
