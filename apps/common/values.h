// How settings are written: sizes, durations, integers; and back into text.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracking::apps {

/// Decimal digits only: no sign, no white space, no overflow.
std::optional<std::uint64_t> parse_integer(std::string_view text) noexcept;

/// Bytes: "0", "4096", "64KiB", "10MiB", "10GiB", "1TiB"; also "kB", "MB", "GB", "TB" (powers of 1000) and "B".
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// "250ms", "30s", "5m", "12h", "7d", and sums like "1h30m". A bare number is refused, except "0".
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// "true", "yes", "on", "1" and their opposites.
std::optional<bool> parse_flag(std::string_view text) noexcept;

/// The shortest text that parse_size() reads back: "256KiB".
std::string format_size(std::uint64_t bytes);

/// The shortest text that parse_duration() reads back: "5m".
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace tracking::apps
