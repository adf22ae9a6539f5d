// Cursors as text, without allocating: a stream writes one after each event.
#pragma once

#include <tracking/subscription.h>

namespace tracking::codec {

/// "c_" and 48 characters.
inline constexpr std::size_t cursor_text_size = 50;

/// Writes what to_text() returns at `out` (room for cursor_text_size characters) and returns the end.
TRACKING_EXPORT char* write_cursor(char* out, const Cursor& cursor) noexcept;

/// The cursor of a delivery that has no cursor_text, with the id_hash filled in from its line.
TRACKING_EXPORT Cursor cursor_of(const DeliveryView& view) noexcept;

/// The id in an event line, or nothing if it is none. Of a line as we write it no more than the id is read.
TRACKING_EXPORT std::string_view id_of_line(std::string_view line) noexcept;

}  // namespace tracking::codec
