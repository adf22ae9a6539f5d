// Which ack levels can be given, and what `?ack=` asks for.
#pragma once

#include <tracking/service.h>

#include <optional>
#include <string>
#include <string_view>

namespace tracking::web {

/// What a service's broker can do; constant for its life.
struct AckLevels {
  explicit AckLevels(const TrackingService& service) noexcept;

  /// The level that `text` names, if it can be given.
  std::optional<AckLevel> parse(std::string_view text) const noexcept;
  /// Why parse() gave nothing.
  std::string refusal(std::string_view text) const;

  bool gives_sent;
  bool gives_stored;
  /// Given if none is asked for; never broker_default.
  AckLevel by_default;
};

/// Reads `ack` of a query that may have other parameters too. False: `code` and `detail` say why.
bool read_ack(std::string_view query, const AckLevels& levels, AckLevel& ack, Code& code, std::string& detail);

}  // namespace tracking::web
