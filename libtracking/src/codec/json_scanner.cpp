#include "codec/json_scanner.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace tracking::codec {
namespace {

bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }

bool is_hex_digit(char c) noexcept { return is_digit(c) || static_cast<unsigned char>((c | 0x20) - 'a') < 6; }

// Which of the open levels are objects: a bit each.
class Nesting {
 public:
  int depth() const noexcept { return depth_; }
  bool is_object() const noexcept { return is_object_; }
  void push(bool is_object) noexcept {
    auto& word = words_[depth_ / 64];
    const std::uint64_t bit = std::uint64_t{1} << depth_ % 64;
    word = is_object_ ? word | bit : word & ~bit;
    is_object_ = is_object;
    ++depth_;
  }
  void pop() noexcept {
    --depth_;
    is_object_ = words_[depth_ / 64] >> depth_ % 64 & 1;
  }

 private:
  std::array<std::uint64_t, (nesting_max + 63) / 64> words_{};
  int depth_ = 0;
  bool is_object_ = false;
};

}  // namespace

const char* JsonScanner::skip_start() noexcept {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (std::string_view(begin_, offset_of(end_)).substr(0, 3) == byte_order_mark) {
    return fail(begin_, "begins with a byte order mark");
  }
  return skip_space(begin_);
}

const char* JsonScanner::skip_some_space(const char* at) noexcept {
  for (; at != end_; ++at) {
    if (*at == '\n' || *at == '\r') {
      has_line_breaks_ = true;
    } else if (*at != ' ' && *at != '\t') {
      break;
    }
  }
  return at;
}

const char* JsonScanner::skip_value(const char* at, int levels) noexcept {
  Nesting nesting;
  for (;;) {
    // A value begins here.
    if (at == end_) return fail(at, unexpected_end);
    if (const char open = *at; open == '{' || open == '[') {
      if (nesting.depth() >= levels) return fail(at, "nested too deeply");
      at = skip_space(at + 1);
      const char close = static_cast<char>(open + 2);
      if (at != end_ && *at == close) {
        ++at;
      } else {
        nesting.push(open == '{');
        std::string_view name;
        if (open == '{' && !(at = skip_name(at, name))) return nullptr;
        continue;
      }
    } else if (!(at = skip_scalar(at))) {
      return nullptr;
    }
    // A value has ended here: so may the levels around it.
    for (;;) {
      if (nesting.depth() == 0) return at;
      at = skip_space(at);
      if (at == end_) return fail(at, unexpected_end);
      if (*at == ',') {
        at = skip_space(at + 1);
        std::string_view name;
        if (nesting.is_object() && !(at = skip_name(at, name))) return nullptr;
        break;
      }
      if (*at != (nesting.is_object() ? '}' : ']')) {
        return fail(at, nesting.is_object() ? "expected ',' or '}'" : "expected ',' or ']'");
      }
      nesting.pop();
      ++at;
    }
  }
}

const char* JsonScanner::fail_at_name(const char* at) noexcept {
  return fail(at, at == end_ ? unexpected_end : "expected a member's name in quotes");
}

const char* JsonScanner::fail_at_colon(const char* at) noexcept {
  return fail(at, at == end_ ? unexpected_end : "expected ':' after a member's name");
}

const char* JsonScanner::skip_scalar(const char* at) noexcept {
  switch (*at) {
    case '"':
      return skip_string(at);
    case 't':
      return skip_word(at, "true");
    case 'f':
      return skip_word(at, "false");
    case 'n':
      return skip_word(at, "null");
    default:
      break;
  }
  if (*at == '-' || is_digit(*at)) return skip_number(at);
  return fail(at, "expected a value");
}

const char* JsonScanner::skip_word(const char* at, std::string_view word) noexcept {
  const std::size_t left = offset_of(end_) - offset_of(at);
  if (left >= word.size() && std::memcmp(at, word.data(), word.size()) == 0) return at + word.size();
  return fail(at, "expected true, false or null");
}

const char* JsonScanner::skip_digits(const char* at) noexcept {
  if (at == end_) return fail(at, unexpected_end);
  if (!is_digit(*at)) return fail(at, "expected a digit");
  while (at != end_ && is_digit(*at)) ++at;
  return at;
}

const char* JsonScanner::skip_number(const char* at) noexcept {
  if (*at == '-') ++at;
  const bool begins_with_zero = at != end_ && *at == '0';
  const char* const digits = at;
  if (!(at = skip_digits(at))) return nullptr;
  if (begins_with_zero && at - digits > 1) return fail(digits, "a number with a leading zero");
  if (at != end_ && *at == '.') {
    if (!(at = skip_digits(at + 1))) return nullptr;
  }
  if (at != end_ && (*at | 0x20) == 'e') {
    ++at;
    if (at != end_ && (*at == '+' || *at == '-')) ++at;
    if (!(at = skip_digits(at))) return nullptr;
  }
  return at;
}

const char* JsonScanner::skip_rest_of_string(const char* at) noexcept {
  for (;;) {
    at = skip_plain(at, end_);
    if (at == end_) return fail(at, unexpected_end);
    if (*at == '"') return at + 1;
    if (*at == '\\') {
      if (!(at = skip_escape(at))) return nullptr;
    } else if (static_cast<unsigned char>(*at) < ' ') {
      return fail(at, "a raw control character in a string");
    } else {
      // Text that is not English seldom has one such character alone.
      do {
        const char* const after = skip_utf8(at, end_);
        if (!after) return fail(at, "invalid UTF-8");
        at = after;
      } while (at != end_ && static_cast<signed char>(*at) < 0);
    }
  }
}

const char* JsonScanner::skip_escape(const char* at) noexcept {
  const char* const begin = at++;
  if (at == end_) return fail(at, unexpected_end);
  switch (*at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return at + 1;
    case 'u':
      break;
    default:
      return fail(begin, "an unknown escape");
  }
  for (int i = 0; i < 4; ++i) {
    if (++at == end_) return fail(at, unexpected_end);
    if (!is_hex_digit(*at)) return fail(begin, "\\u without four hexadecimal digits");
  }
  return at + 1;
}

}  // namespace tracking::codec
