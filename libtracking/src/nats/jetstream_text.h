// Subjects and keys that are written again and again.
#pragma once

#include <tracking/event.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tracking::jetstream {

/// Text with an end that changes, in place.
class Text {
 public:
  explicit Text(std::string_view front) : front_size_(front.size()), text_(front) {
    text_.resize(front_size_ + 21 + 1 + EventId::bytes_max);
  }
  const char* with(std::uint64_t number) noexcept {
    *put(number) = '\0';
    return text_.c_str();
  }
  /// `<number>:<id>`
  const char* with(std::uint64_t number, std::string_view id) noexcept {
    char* at = put(number);
    *at++ = ':';
    std::memcpy(at, id.data(), id.size());
    at[id.size()] = '\0';
    return text_.c_str();
  }

 private:
  char* put(std::uint64_t number) noexcept {
    char* const at = text_.data() + front_size_;
    return std::to_chars(at, at + 20, number).ptr;
  }

  const std::size_t front_size_;
  std::string text_;
};

}  // namespace tracking::jetstream
