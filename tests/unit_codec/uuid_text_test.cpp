#include "codec/uuid_text.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

namespace tracking::codec {
namespace {

std::string text_of(std::uint64_t upper, std::uint64_t lower) {
  std::string text(UuidText::size + 1, '?');  // one more: nothing is written behind the end
  char* const end = UuidText(UuidText::Upper(upper), lower).write(text.data());
  EXPECT_EQ(end, text.data() + UuidText::size);
  return text;
}

std::string printed(std::uint64_t upper, std::uint64_t lower) {
  char text[64];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx?", static_cast<unsigned>(upper >> 32),
                static_cast<unsigned>(upper >> 16 & 0xffff), static_cast<unsigned>(upper & 0xffff),
                static_cast<unsigned>(lower >> 48), static_cast<unsigned long long>(lower & 0xffff'ffff'ffff));
  return text;
}

TEST(UuidText, EachDigitStandsInItsPlace) {
  EXPECT_EQ(text_of(0x0123456789abcdef, 0xfedcba9876543210), "01234567-89ab-cdef-fedc-ba9876543210?");
  EXPECT_EQ(text_of(0, 0), "00000000-0000-0000-0000-000000000000?");
  EXPECT_EQ(text_of(~0ull, ~0ull), "ffffffff-ffff-ffff-ffff-ffffffffffff?");
}

TEST(HexDigits, AreTheSameByWordsAndByVectors) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    // Each byte in each place, and then anything.
    const std::uint64_t value = i < 2'048 ? std::uint64_t(i % 256) << i / 256 * 8 : random();
    const HexDigits one = hex_digits(value);
    const HexDigits other = hex_digits_by_words(value);
    ASSERT_EQ(one.first, other.first) << value;
    ASSERT_EQ(one.last, other.last) << value;
  }
}

TEST(UuidText, IsWhatPrintfWrites) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t upper = random();
    const std::uint64_t lower = random();
    ASSERT_EQ(text_of(upper, lower), printed(upper, lower));
  }
}

}  // namespace
}  // namespace tracking::codec
