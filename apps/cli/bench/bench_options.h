// The options of `tracking-cli bench`.
#pragma once

#include "account_picker.h"
#include "verb.h"

#include <chrono>
#include <optional>
#include <string>

namespace tracking::cli {

enum class BodyFormat : std::uint8_t { single, array, ndjson };

struct BenchSettings {
  std::string url = "http://127.0.0.1:8080";
  std::string host;
  std::string port;
  std::string path = "/v1/events";
  std::string ack;  ///< "", "sent" or "stored"

  AccountRanges accounts;
  std::optional<double> zipf_exponent;  ///< nothing = uniform
  BodyFormat format = BodyFormat::single;
  std::uint64_t batch = 1;
  std::size_t data_bytes = 5;
  bool has_ids = false;

  std::uint64_t connections = 64;
  std::uint64_t rate = 0;  ///< events a second on a schedule of their own (open loop); 0 = closed loop
  std::chrono::milliseconds warm_up{1'000};
  std::chrono::milliseconds time{10'000};
  std::chrono::milliseconds timeout{10'000};  ///< of a request
  std::uint64_t subscribers = 0;
  bool retries = true;
  bool is_json = false;
};

/// Reads the arguments. An exit code instead: help was shown, or they are wrong, which was told.
std::optional<int> read_bench_options(Arguments arguments, BenchSettings& settings);

}  // namespace tracking::cli
