// The options of `tracking-cli verify`.
#pragma once

#include "track_client.h"
#include "verb.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tracking::cli {

struct VerifySettings {
  TrackSettings track;
  std::string from;  ///< the URL read from, "-" = stdin
  std::string since;
  std::vector<AccountId> accounts;
  std::string run;
  bool sends = true;
  bool receives = true;
  std::uint64_t count = 1'000;  ///< events; 0 = as many as fit into time_max
  std::optional<std::chrono::milliseconds> time_max;
  std::uint64_t rate = 0;  ///< events a second; 0 = as fast as they are answered
  std::uint64_t batch = 1;
  std::size_t data_bytes = 64;
  std::uint64_t connections = 1;
  std::chrono::milliseconds settle_time{10'000};
  bool allows_gaps = false;
  bool allows_repeats = false;
  bool is_json = false;

  bool reads_stdin() const { return from == "-"; }
  std::uint64_t streams() const { return connections * accounts.size(); }
};

/// Reads the arguments. An exit code instead: help was shown, or they are wrong, which was told.
std::optional<int> read_verify_options(Arguments arguments, VerifySettings& settings);

}  // namespace tracking::cli
