#include "history/stream_copy.h"

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tracking::history {

#if defined(__SSE2__)

namespace {

constexpr std::size_t line_bytes = 64;

/// Of a cache line. `to` is where one begins.
void stream_line(char* to, const char* from) noexcept {
  const auto* const source = reinterpret_cast<const __m128i*>(from);
  auto* const target = reinterpret_cast<__m128i*>(to);
  const __m128i first = _mm_loadu_si128(source);
  const __m128i second = _mm_loadu_si128(source + 1);
  const __m128i third = _mm_loadu_si128(source + 2);
  const __m128i fourth = _mm_loadu_si128(source + 3);
  _mm_stream_si128(target, first);
  _mm_stream_si128(target + 1, second);
  _mm_stream_si128(target + 2, third);
  _mm_stream_si128(target + 3, fourth);
}

}  // namespace

// Cache lines go to memory as a whole; what is before the first and behind the last is copied as ever.
void stream_long(char* to, const char* from, std::size_t size) noexcept {
  const std::size_t head = (line_bytes - reinterpret_cast<std::uintptr_t>(to) % line_bytes) % line_bytes;
  std::memcpy(to, from, head);
  std::size_t done = head;
  for (; done + line_bytes <= size; done += line_bytes) stream_line(to + done, from + done);
  std::memcpy(to + done, from + done, size - done);
  _mm_sfence();  // non-temporal stores are not ordered with others
}

#else

void stream_long(char* to, const char* from, std::size_t size) noexcept { std::memcpy(to, from, size); }

#endif

}  // namespace tracking::history
