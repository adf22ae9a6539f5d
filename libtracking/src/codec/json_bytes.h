// Finds the bytes of JSON strings that need a closer look, many at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tracking::codec {

/// Whether a byte of a string stands for itself and is a whole character: no quote, backslash, control, or piece of
/// UTF-8 beyond ASCII.
inline bool is_plain(char c) noexcept { return static_cast<signed char>(c) >= ' ' && c != '"' && c != '\\'; }

#ifdef __SSE2__
/// Of the 16 bytes at `at`: a bit for each that is not plain.
inline unsigned special_of_16(const char* at) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  // Signed: below ' ' are the controls and all that is not ASCII.
  const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
  const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quotes, backslashes))));
}
#endif

/// Of the 8 bytes at `at`: not 0 if one is not plain. The lowest high bit that is set belongs to such a byte; those
/// above it may be wrong, as a borrow travels upwards (Hacker's Delight, 6-1).
inline std::uint64_t special_of_8(const char* at) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  std::uint64_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  const std::uint64_t quote = bytes ^ ones * '"';
  const std::uint64_t backslash = bytes ^ ones * '\\';
  return ((bytes - ones * ' ') | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | bytes) & highs;
}

/// The first byte that is not plain, or `end`.
inline const char* skip_plain(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    if (const unsigned special = special_of_16(at)) return at + std::countr_zero(special);
  }
#endif
  for (; end - at >= 8; at += 8) {
    if (const std::uint64_t special = special_of_8(at)) {
      if constexpr (std::endian::native == std::endian::little) return at + std::countr_zero(special) / 8;
      break;
    }
  }
  while (at != end && is_plain(*at)) ++at;
  return at;
}

/// Steps over one character of UTF-8 beyond ASCII (Unicode 15, table 3-7), or nullptr. Precondition: at < end.
inline const char* skip_utf8(const char* at, const char* end) noexcept {
  const auto byte = [at](int i) { return static_cast<unsigned char>(at[i]); };
  const auto is_continuation = [&](int i) { return (byte(i) & 0xc0) == 0x80; };
  const auto lead = byte(0);
  const auto left = end - at;
  if (lead >= 0xc2 && lead <= 0xdf) return left >= 2 && is_continuation(1) ? at + 2 : nullptr;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (left < 3 || !is_continuation(1) || !is_continuation(2)) return nullptr;
    if (lead == 0xe0 && byte(1) < 0xa0) return nullptr;  // overlong
    if (lead == 0xed && byte(1) > 0x9f) return nullptr;  // surrogates
    return at + 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (left < 4 || !is_continuation(1) || !is_continuation(2) || !is_continuation(3)) return nullptr;
    if (lead == 0xf0 && byte(1) < 0x90) return nullptr;  // overlong
    if (lead == 0xf4 && byte(1) > 0x8f) return nullptr;  // beyond U+10FFFF
    return at + 4;
  }
  return nullptr;
}

}  // namespace tracking::codec
