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

}  // namespace tracking::codec
