// Writes event lines: the one form in which brokers carry events and subscribers get them (docs/HTTP.md, "The event").
//   {"id":"..","account_id":1,"timestamp":"..","occurred_at":"..","producer":"..","sequence":42,"data":..}
// The reading side, parse_event_line(), is public: <tracking/subscription.h>.
#pragma once

#include <tracking/event.h>

#include "codec/rfc3339.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tracking::codec {

/// The longest producer name that a line has room for.
inline constexpr std::size_t producer_bytes_max = 32;

/// What a line is made of. Everything is borrowed, and goes into the line as it is: nothing is checked or escaped.
struct EventLineParts {
  std::string_view id;                ///< is_event_id(): at most EventId::bytes_max characters
  AccountId account_id = 0;           ///< 1 .. 2^63-1
  const char* timestamp = nullptr;    ///< rfc3339_size characters, from write_rfc3339()
  const char* occurred_at = nullptr;  ///< the same, or nullptr: the line has no such member
  std::string_view producer;          ///< at most producer_bytes_max characters of [A-Za-z0-9._:-]
  std::uint64_t sequence = 0;
  std::string_view data;  ///< one valid JSON value without raw line breaks
};

/// Room enough for the line of any event with so many bytes of data.
constexpr std::size_t event_line_bytes_max(std::size_t data_size) noexcept {
  constexpr std::string_view punctuation =
      R"({"id":"","account_id":,"timestamp":"","occurred_at":"","producer":"","sequence":,"data":})";
  constexpr std::size_t decimal_bytes_max = 20;
  return punctuation.size() + EventId::bytes_max + 2 * rfc3339_size + producer_bytes_max + 2 * decimal_bytes_max +
         data_size;
}

/// Writes the line at `out` and returns its end. Precondition: event_line_bytes_max(parts.data.size()) bytes of room,
/// all of which may be written to.
char* write_event_line(char* out, const EventLineParts& parts) noexcept;

}  // namespace tracking::codec
