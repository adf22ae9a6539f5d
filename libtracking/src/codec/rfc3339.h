// RFC 3339 date-times.
#pragma once

#include <tracking/event.h>

#include <optional>
#include <string_view>

namespace tracking::codec {

/// "2026-11-23T20:24:06.751257Z": 27 characters.
inline constexpr int rfc3339_size = 27;

/// Writes UTC with six digits at `out` and returns the end. Years outside 0000..9999 are clamped.
TRACKING_EXPORT char* write_rfc3339(char* out, Timestamp time) noexcept;
/// Turns `text`, which write_rfc3339() made of another time of the same second, into what it makes of `time`, at a
/// third of the cost. Precondition: the year has four digits.
TRACKING_EXPORT void rewrite_rfc3339_fraction(char* text, Timestamp time) noexcept;

/// Any RFC 3339 date-time: offset or Z, lower-case t and z, any number of fraction digits (those beyond six are cut
/// off), leap second (taken as the following second). Calendar-checked. Years 0000..9999 in UTC.
TRACKING_EXPORT std::optional<Timestamp> parse_rfc3339(std::string_view text) noexcept;

}  // namespace tracking::codec
