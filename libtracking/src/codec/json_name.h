// Strings of JSON text as the bytes that they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tracking::codec {

/// Reads the meaning of a string's valid JSON text (without its quotes), a byte of UTF-8 at a time. A lone surrogate
/// becomes the three bytes that UTF-8 would have for it, which no valid text contains unescaped.
class UnescapedBytes {
 public:
  static constexpr int end = -1;

  explicit UnescapedBytes(std::string_view escaped) noexcept
      : at_(escaped.data()), end_(escaped.data() + escaped.size()) {}

  /// The next byte, 0..255, or `end`.
  int next() noexcept;

 private:
  void decode_escape() noexcept;
  std::uint32_t take_hex() noexcept;

  const char* at_;
  const char* end_;
  std::uint32_t pending_ = 0;  ///< further bytes of a character, the next one lowest
  int pending_count_ = 0;
};

/// Whether both texts mean the same string.
bool mean_the_same(std::string_view escaped, std::string_view other_escaped) noexcept;

/// Writes what `escaped` means over it, from its beginning, and returns how many bytes that are: never more.
std::size_t unescape_in_place(char* escaped, std::size_t size) noexcept;

}  // namespace tracking::codec
