// Decimal digits, two at a time.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace tracking::codec {

/// "00" to "99".
inline constexpr auto digit_pairs = [] {
  std::array<char, 200> pairs{};
  for (unsigned i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

inline constexpr auto powers_of_ten = [] {
  std::array<std::uint64_t, 20> powers{1};
  for (unsigned i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

/// Precondition: value < 100.
inline void write_two_digits(char* out, std::uint32_t value) noexcept { std::memcpy(out, &digit_pairs[2 * value], 2); }

/// 1 for 0.
inline unsigned decimal_digits(std::uint64_t value) noexcept {
  // log10(2) is about 1233 / 4096.
  const unsigned bits = 64 - static_cast<unsigned>(__builtin_clzll(value | 1));
  const unsigned guess = bits * 1233 >> 12;
  return guess + (value >= powers_of_ten[guess] || guess == 0 ? 1 : 0);
}

/// write_decimal() of json.h, for the places that cannot wait for a call.
inline char* write_decimal_inline(char* out, std::uint64_t value) noexcept {
  if (value < 10) {
    *out = static_cast<char>('0' + value);
    return out + 1;
  }
  char* const end = out + decimal_digits(value);
  char* at = end;
  while (value >= 100) {
    at -= 2;
    write_two_digits(at, static_cast<std::uint32_t>(value % 100));
    value /= 100;
  }
  if (value >= 10) {
    write_two_digits(at - 2, static_cast<std::uint32_t>(value));
  } else {
    at[-1] = static_cast<char>('0' + value);
  }
  return end;
}

}  // namespace tracking::codec
