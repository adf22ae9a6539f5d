#include "codec/base64.h"

#include <array>
#include <cstdint>

namespace tracking::codec {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  for (auto& digit : digits) digit = no_digit;
  for (std::uint8_t i = 0; i < 64; ++i) digits[static_cast<unsigned char>(alphabet[i])] = i;
  return digits;
}
constexpr auto digits = make_digits();

}  // namespace

char* encode_base64url(char* out, const unsigned char* bytes, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; i += 3) {
    const unsigned group = unsigned{bytes[i]} << 16 | unsigned{bytes[i + 1]} << 8 | bytes[i + 2];
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    *out++ = alphabet[group >> 6 & 63];
    *out++ = alphabet[group & 63];
  }
  return out;
}

bool decode_base64url(unsigned char* out, const char* text, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; i += 4) {
    unsigned group = 0;
    unsigned seen = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const unsigned digit = digits[static_cast<unsigned char>(text[i + j])];
      seen |= digit;
      group = group << 6 | (digit & 63);
    }
    if (seen > 63) return false;
    *out++ = static_cast<unsigned char>(group >> 16);
    *out++ = static_cast<unsigned char>(group >> 8);
    *out++ = static_cast<unsigned char>(group);
  }
  return true;
}

}  // namespace tracking::codec
