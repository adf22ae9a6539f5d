// Small appenders that the routes share.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/json.h"
#include "codec/rfc3339.h"

namespace tracking::web {

inline void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits, static_cast<std::size_t>(codec::write_decimal(digits, value) - digits));
}

inline void append_time(std::string& out, Timestamp time) {
  char text[codec::rfc3339_size];
  out.append(text, static_cast<std::size_t>(codec::write_rfc3339(text, time) - text));
}

/// ASCII only, which is all that HTTP's own tokens have.
constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

/// Without the spaces and tabs around it.
constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// True for bytes that JSON takes as white space between tokens.
constexpr bool is_json_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Where `text` stops being well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF);
/// npos if nowhere.
std::size_t find_utf8_fault(std::string_view text) noexcept;

}  // namespace tracking::web
