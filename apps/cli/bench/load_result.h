// What a load run counts.
#pragma once

#include "latency_histogram.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tracking::cli {

/// Of the measured time alone, unless said otherwise.
struct LoadResult {
  double seconds = 0;
  std::uint64_t requests = 0;          ///< answered
  std::uint64_t accepted = 0;          ///< events
  std::uint64_t accepted_in_time = 0;  ///< of these, before the time was over: what a rate is made of
  std::uint64_t requests_in_time = 0;
  std::uint64_t unsent = 0;                     ///< events that were due, and never had a free connection
  std::map<std::string, std::uint64_t> errors;  ///< events, by "404 unknown-account", "timeout", "connection lost", ...
  LatencyHistogram latency;                     ///< of requests, from when they were due

  std::uint64_t delivered = 0;          ///< to all subscribers, warm-up included
  std::uint64_t undelivered = 0;        ///< accepted, and not delivered to one of them; warm-up included
  std::uint64_t gaps = 0;               ///< told to subscribers
  LatencyHistogram delivery;            ///< from when an event was due until a subscriber had it
  LatencyHistogram last_delivery;       ///< until the last of several subscribers had it
  LatencyHistogram accept_to_delivery;  ///< from the event's timestamp on: two clocks, of one machine at best

  double cpu_seconds = 0;  ///< of this program
  bool is_interrupted = false;

  std::uint64_t error_events() const {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : errors) sum += count;
    return sum;
  }
};

/// Adds what an answer says of a request's events: those accepted, and the others to `errors`. Returns the accepted.
std::uint64_t tally_answer(int status, std::string_view body, std::uint64_t events,
                           std::map<std::string, std::uint64_t>& errors);

}  // namespace tracking::cli
