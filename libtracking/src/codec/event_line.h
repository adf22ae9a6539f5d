// Writes event lines: the one form in which brokers carry events and subscribers get them (docs/HTTP.md, "The event").
//   {"id":"..","account_id":1,"timestamp":"..","occurred_at":"..","producer":"..","sequence":42,"data":..}
// The reading side, parse_event_line(), is public: <tracking/subscription.h>.
#pragma once

#include <tracking/event.h>

#include "codec/decimal.h"
#include "codec/rfc3339.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
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

namespace line_detail {

template <std::size_t size>
char* put(char* out, const char (&literal)[size]) noexcept {
  std::memcpy(out, literal, size - 1);
  return out + size - 1;
}

template <std::size_t size>
void copy_ends(char* out, const char* bytes, std::size_t count) noexcept {
  std::memcpy(out, bytes, size);
  std::memcpy(out + count - size, bytes + count - size, size);
}

// memcpy without a call for the sizes that ids, producers and most data have: two moves that overlap.
[[gnu::always_inline]] inline char* put(char* out, std::string_view text) noexcept {
  const std::size_t count = text.size();
  const char* const bytes = text.data();
  if (count > 64) {
    std::memcpy(out, bytes, count);
  } else if (count >= 32) {
    copy_ends<32>(out, bytes, count);
  } else if (count >= 16) {
    copy_ends<16>(out, bytes, count);
  } else if (count >= 8) {
    copy_ends<8>(out, bytes, count);
  } else if (count >= 4) {
    copy_ends<4>(out, bytes, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = bytes[i];
  }
  return out + count;
}

}  // namespace line_detail

/// The same, with an id that is not in memory yet: `write_id` writes it where it is told to, and returns its end.
template <class WriteId>
[[gnu::always_inline]] inline char* write_event_line(char* out, const EventLineParts& parts,
                                                     WriteId&& write_id) noexcept {
  using line_detail::put;
  out = put(out, "{\"id\":\"");
  out = write_id(out);
  out = put(out, "\",\"account_id\":");
  out = write_decimal_inline(out, static_cast<std::uint64_t>(parts.account_id));
  out = put(out, ",\"timestamp\":\"");
  std::memcpy(out, parts.timestamp, rfc3339_size);
  out += rfc3339_size;
  if (parts.occurred_at) {
    out = put(out, "\",\"occurred_at\":\"");
    std::memcpy(out, parts.occurred_at, rfc3339_size);
    out += rfc3339_size;
  }
  out = put(out, "\",\"producer\":\"");
  out = put(out, parts.producer);
  out = put(out, "\",\"sequence\":");
  out = write_decimal_inline(out, parts.sequence);
  out = put(out, ",\"data\":");
  out = put(out, parts.data);
  *out = '}';
  return out + 1;
}

}  // namespace tracking::codec
