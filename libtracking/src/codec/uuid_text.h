// The text of a UUID, on its way from a number to where it is sent.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace tracking::codec {

/// The 36 characters of a UUID in five words, the first character of each in its lowest byte. They stay in registers
/// until they are written: characters that were stored in small pieces and are loaded at once in larger ones make a
/// processor wait until the pieces have reached its cache.
class UuidText {
 public:
  static constexpr std::size_t size = 36;

  /// What the UUIDs of one time have in common: the first 18 characters.
  class Upper {
   public:
    Upper() noexcept = default;
    explicit Upper(std::uint64_t bits) noexcept {
      const Digits digits = hex(bits);
      first_ = digits.first;
      second_ = hyphen | (digits.last & four) << 8 | hyphen << 40 | digits.last >> 32 << 48;
      third_ = digits.last >> 48;
    }

   private:
    friend UuidText;
    std::uint64_t first_ = 0;
    std::uint64_t second_ = 0;
    std::uint64_t third_ = 0;  // its first two characters
  };

  UuidText(const Upper& upper, std::uint64_t lower_bits) noexcept {
    const Digits digits = hex(lower_bits);
    first_ = upper.first_;
    second_ = upper.second_;
    third_ = upper.third_ | hyphen << 16 | (digits.first & four) << 24 | hyphen << 56;
    fourth_ = digits.first >> 32 | digits.last << 32;
    fifth_ = static_cast<std::uint32_t>(digits.last >> 32);
  }

  /// Writes the text, and returns its end.
  char* write(char* out) const noexcept {
    put(out, first_);
    put(out + 8, second_);
    put(out + 16, third_);
    put(out + 24, fourth_);
    put(out + 32, fifth_);
    return out + size;
  }

 private:
  static constexpr std::uint64_t hyphen = '-';
  static constexpr std::uint64_t four = 0xffff'ffff;  // characters

  /// Sixteen hexadecimal digits, a byte for each.
  struct Digits {
    std::uint64_t first, last;  // eight each
  };
  static Digits hex(std::uint64_t value) noexcept {
#if defined(__x86_64__)
    const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
    const __m128i mask = _mm_set1_epi8(0x0f);
    const __m128i digits = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), mask), _mm_and_si128(bytes, mask));
    const __m128i is_letter = _mm_cmpgt_epi8(digits, _mm_set1_epi8(9));
    const __m128i text =
        _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
    return {static_cast<std::uint64_t>(_mm_cvtsi128_si64(text)),
            static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(text, text)))};
#else
    return {eight_digits(static_cast<std::uint32_t>(value >> 32)), eight_digits(static_cast<std::uint32_t>(value))};
#endif
  }

  /// Without vectors: all at once in a word.
  [[maybe_unused]] static std::uint64_t eight_digits(std::uint32_t value) noexcept {
    std::uint64_t digits = value;
    digits = (digits << 16 | digits) & 0x0000ffff0000ffff;
    digits = (digits << 8 | digits) & 0x00ff00ff00ff00ff;
    digits = (digits << 4 | digits) & 0x0f0f0f0f0f0f0f0f;  // the lowest digit in the lowest byte
    const std::uint64_t is_letter = (digits + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return __builtin_bswap64(digits + 0x3030303030303030 + is_letter * ('a' - '0' - 10));
  }

  template <class Word>
  static void put(char* out, Word characters) noexcept {
    if constexpr (std::endian::native == std::endian::big) {
      characters =
          sizeof(Word) == 8 ? __builtin_bswap64(characters) : __builtin_bswap32(static_cast<std::uint32_t>(characters));
    }
    std::memcpy(out, &characters, sizeof characters);
  }

  std::uint64_t first_, second_, third_, fourth_;
  std::uint32_t fifth_;
};

}  // namespace tracking::codec
