// Sixteen hexadecimal digits at once.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace tracking::codec {

/// Characters of a text in two words, the first character of each in its lowest byte.
struct HexDigits {
  std::uint64_t first, last;  // eight each
};

/// For any processor: all digits of a word at once, a byte for each.
inline HexDigits hex_digits_by_words(std::uint64_t value) noexcept {
  const auto eight = [](std::uint64_t digits) {
    digits = (digits << 16 | digits) & 0x0000ffff0000ffff;
    digits = (digits << 8 | digits) & 0x00ff00ff00ff00ff;
    digits = (digits << 4 | digits) & 0x0f0f0f0f0f0f0f0f;  // the lowest digit in the lowest byte
    const std::uint64_t is_letter = (digits + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return __builtin_bswap64(digits + 0x3030303030303030 + is_letter * ('a' - '0' - 10));
  };
  return {eight(value >> 32), eight(value & 0xffff'ffff)};
}

/// The digits of `value`, the highest first, "0" to "f".
inline HexDigits hex_digits(std::uint64_t value) noexcept {
#if defined(__x86_64__)
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i mask = _mm_set1_epi8(0x0f);
  const __m128i digits = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), mask), _mm_and_si128(bytes, mask));
  const __m128i is_letter = _mm_cmpgt_epi8(digits, _mm_set1_epi8(9));
  const __m128i beyond_nine = _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10));
  const __m128i text = digits + _mm_set1_epi8('0') + beyond_nine;  // by words, as no byte overflows
  return {static_cast<std::uint64_t>(_mm_cvtsi128_si64(text)),
          static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(text, text)))};
#else
  return hex_digits_by_words(value);
#endif
}

}  // namespace tracking::codec
