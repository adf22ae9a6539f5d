// The text of a UUID, on its way from a number to where it is sent.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "codec/hex_digits.h"

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
      const HexDigits digits = hex_digits(bits);
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
    const HexDigits digits = hex_digits(lower_bits);
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
