// Validates JSON (RFC 8259) without building anything from it, and reads the few members that we need.
#pragma once

#include <tracking/code.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tracking::codec {

/// The event object is level 1; this many levels of arrays and objects are taken in all.
inline constexpr int nesting_max = 128;

/// Why a text is not what it should be.
struct JsonFault {
  std::size_t offset = 0;  ///< of the byte at fault, from the beginning of the text given
  const char* what = "";   ///< "invalid UTF-8"; static storage
};

/// What a valid text looks like.
struct JsonTraits {
  bool has_line_breaks = false;  ///< raw CR or LF between tokens: replace them by spaces before it becomes a line
};

/// Checks that `text` is exactly one value, with white space around it allowed: every RFC 8259 value, numbers of any
/// length, lone surrogate escapes and repeated names included; no invalid UTF-8, raw control characters, BOM, or more
/// than `levels` levels. Does not recurse or allocate. False: `fault` says why.
TRACKING_EXPORT bool validate_json(std::string_view text, int levels, JsonTraits& traits, JsonFault& fault) noexcept;

/// Appends `text` as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD.
TRACKING_EXPORT void append_json_string(std::string& out, std::string_view text);

/// Writes `value` in decimal at `out` (room for 20 characters) and returns the end.
char* write_decimal(char* out, std::uint64_t value) noexcept;

}  // namespace tracking::codec
