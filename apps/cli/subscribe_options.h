// The options of `tracking-cli subscribe`.
#pragma once

#include "common/options.h"
#include "printer.h"
#include "verb.h"

#include <tracking/subscription.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tracking::cli {

struct SubscribeSettings {
  std::string url = "http://127.0.0.1:8080";
  std::vector<AccountId> accounts;
  std::vector<AccountId> excluded;
  std::string since;
  std::optional<std::uint64_t> tail;
  bool follows = true;
  bool retries = true;
  std::uint64_t count = 0;  ///< 0 = no end
  std::optional<std::chrono::milliseconds> time_max;
  Format format = Format::text;
  std::string color = "auto";
  std::string cursor_file;
  bool has_control = false;
};

/// Reads the arguments. An exit code instead: help was shown, or they are wrong, which was told.
std::optional<int> read_subscribe_options(Arguments arguments, SubscribeSettings& settings);

}  // namespace tracking::cli
