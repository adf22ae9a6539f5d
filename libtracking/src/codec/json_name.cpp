#include "codec/json_name.h"

#include <algorithm>

namespace tracking::codec {
namespace {

constexpr bool is_high_surrogate(std::uint32_t unit) noexcept { return unit >> 10 == 0xd800 >> 10; }
constexpr bool is_low_surrogate(std::uint32_t unit) noexcept { return unit >> 10 == 0xdc00 >> 10; }

std::uint32_t hex_value(char c) noexcept {
  return static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

}  // namespace

int UnescapedBytes::next() noexcept {
  if (pending_count_ == 0) {
    if (at_ == end_) return end;
    if (*at_ != '\\') return static_cast<unsigned char>(*at_++);
    decode_escape();
  }
  const int byte = static_cast<int>(pending_ & 0xff);
  pending_ >>= 8;
  --pending_count_;
  return byte;
}

void UnescapedBytes::decode_escape() noexcept {
  ++at_;
  const char kind = *at_++;
  pending_count_ = 1;
  switch (kind) {
    case 'b':
      pending_ = '\b';
      return;
    case 'f':
      pending_ = '\f';
      return;
    case 'n':
      pending_ = '\n';
      return;
    case 'r':
      pending_ = '\r';
      return;
    case 't':
      pending_ = '\t';
      return;
    case 'u':
      break;
    default:
      pending_ = static_cast<unsigned char>(kind);
      return;
  }
  std::uint32_t character = take_hex();
  if (is_high_surrogate(character) && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    const char* const before = at_;
    at_ += 2;
    const std::uint32_t low = take_hex();
    if (is_low_surrogate(low)) {
      character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = before;
    }
  }
  const auto continuation = [character](int shift) { return 0x80 | (character >> shift & 0x3f); };
  if (character < 0x80) {
    pending_ = character;
  } else if (character < 0x800) {
    pending_ = (0xc0 | character >> 6) | continuation(0) << 8;
    pending_count_ = 2;
  } else if (character < 0x10000) {
    pending_ = (0xe0 | character >> 12) | continuation(6) << 8 | continuation(0) << 16;
    pending_count_ = 3;
  } else {
    pending_ = (0xf0 | character >> 18) | continuation(12) << 8 | continuation(6) << 16 | continuation(0) << 24;
    pending_count_ = 4;
  }
}

std::uint32_t UnescapedBytes::take_hex() noexcept {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 4 | hex_value(*at_++);
  return value;
}

bool mean_the_same(std::string_view escaped, std::string_view other_escaped) noexcept {
  UnescapedBytes one(escaped);
  UnescapedBytes other(other_escaped);
  for (;;) {
    const int byte = one.next();
    if (byte != other.next()) return false;
    if (byte == UnescapedBytes::end) return true;
  }
}

std::size_t unescape_in_place(char* escaped, std::size_t size) noexcept {
  // What was read is always at least as long as what is written, so the writing never overtakes the reading.
  UnescapedBytes bytes({escaped, size});
  char* out = escaped;
  for (int byte = bytes.next(); byte != UnescapedBytes::end; byte = bytes.next()) *out++ = static_cast<char>(byte);
  return static_cast<std::size_t>(out - escaped);
}

}  // namespace tracking::codec
