// The text of a UUID, on its way from a number to where it is sent.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
      const std::uint64_t high = hex(static_cast<std::uint32_t>(bits >> 32));
      const std::uint64_t low = hex(static_cast<std::uint32_t>(bits));
      first_ = high;
      second_ = hyphen | (low & four) << 8 | hyphen << 40 | low >> 32 << 48;
      third_ = low >> 48;
    }

   private:
    friend UuidText;
    std::uint64_t first_ = 0;
    std::uint64_t second_ = 0;
    std::uint64_t third_ = 0;  // its first two characters
  };

  UuidText(const Upper& upper, std::uint64_t lower_bits) noexcept {
    const std::uint64_t high = hex(static_cast<std::uint32_t>(lower_bits >> 32));
    const std::uint64_t low = hex(static_cast<std::uint32_t>(lower_bits));
    first_ = upper.first_;
    second_ = upper.second_;
    third_ = upper.third_ | hyphen << 16 | (high & four) << 24 | hyphen << 56;
    fourth_ = high >> 32 | low << 32;
    fifth_ = static_cast<std::uint32_t>(low >> 32);
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

  /// The eight hexadecimal digits of `value`: all at once, a byte of the word for each.
  static std::uint64_t hex(std::uint32_t value) noexcept {
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
