// Copies past the processor's caches.
#pragma once

#include <tracking/export.h>

#include <cstddef>
#include <cstring>

namespace tracking::history {

/// From so many bytes on stream_copy() goes past the caches.
inline constexpr std::size_t stream_bytes_min = 4 << 10;

/// Out of line, so that the copy of a line or two stays as short as it is. Precondition: stream_bytes_min at least.
TRACKING_EXPORT void stream_long(char* to, const char* from, std::size_t size) noexcept;

/// memcpy() for a history that is larger than the caches and is written in a circle: each line of it has left them long
/// before its turn to be written comes again. A store would fetch it from memory first, only to overwrite all of it.
/// Non-temporal stores do not (docs/BENCHMARKS.md, "The library"). They are complete when it returns: a release that
/// follows covers them, as it does any other store.
inline void stream_copy(char* to, const char* from, std::size_t size) noexcept {
  if (size < stream_bytes_min) {
    std::memcpy(to, from, size);
  } else {
    stream_long(to, from, size);
  }
}

}  // namespace tracking::history
