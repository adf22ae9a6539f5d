// What a jetstream:// URL says about the stream, and what a stream that is there says about itself.
#pragma once

#include <tracking/status.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nats/jetstream_json.h"

namespace tracking::jetstream {

/// How the stream is made if it is not there yet.
struct Settings {
  std::string stream = "TRACKING";
  std::string storage = "file";                ///< or "memory"
  int replicas = 1;                            ///< 1 .. 5
  std::chrono::seconds max_age{0};             ///< 0 = for ever
  std::int64_t bytes_max = -1;                 ///< -1 = what the server gives
  std::chrono::seconds duplicate_window{120};  ///< how long ids are remembered
  std::chrono::milliseconds ack_wait{5'000};   ///< then an event is in doubt

  /// "stream, storage, ...", for messages.
  static constexpr std::string_view parameters =
      ", stream, storage, replicas, max_age, max_size, duplicate_window, ack_wait";
};

/// Takes its own out of what parse_options() left over. The error names the parameter and what it may be.
Result<Settings> parse_settings(std::multimap<std::string, std::string>& parameters, const std::string& redacted_url);

/// The stream's configuration as the API wants it.
std::string stream_config(const Settings& settings, const std::string& wildcard);

/// A stream as STREAM.INFO tells it.
struct StreamInfo {
  std::uint64_t incarnation = 0;  ///< microseconds of its creation: the same on every server and after any restart
  std::uint64_t first = 0;        ///< position of the oldest message; last + 1 if there is none
  std::uint64_t last = 0;         ///< of the newest message ever; 0 = there was none
  bool is_ours_alone = false;     ///< it stores our subjects and no others
};

/// Nothing if the answer is not what the API describes.
std::optional<StreamInfo> read_stream_info(const JsonObject& answer, const std::string& wildcard);

/// Whether a stream that is there can carry our events: ok, or invalid_parameter with what is in the way.
Status check_stream(const JsonObject& config, const std::string& stream, const std::string& wildcard);

/// How it differs from what the settings would make; empty = it does not.
std::string differences(const JsonObject& config, const Settings& settings);

}  // namespace tracking::jetstream
