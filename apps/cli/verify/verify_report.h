// What `tracking-cli verify` says at its end.
#pragma once

#include "delivery_checker.h"
#include "verify_options.h"
#include "verify_sender.h"

#include <optional>
#include <string>

namespace tracking::cli {

struct VerifyReport {
  std::optional<SendCounts> sent;          ///< if this process sends
  std::optional<DeliveryCounts> received;  ///< if this process receives
  double seconds = 0;                      ///< of sending
  std::string failure;                     ///< why sending or receiving ended early, or empty
  bool knows_the_end = true;               ///< false: the sender's end did not come
};

/// Nothing lost, repeated, reordered or altered, no gap (but for what is allowed), and nothing failed.
bool is_good(const VerifyReport& report, const VerifySettings& settings);

std::string to_text(const VerifyReport& report, const VerifySettings& settings);
std::string to_json(const VerifyReport& report, const VerifySettings& settings);

}  // namespace tracking::cli
