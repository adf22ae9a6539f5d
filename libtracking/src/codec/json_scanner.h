// Goes over JSON text, checks every byte of it, and builds nothing.
#pragma once

#include "codec/json.h"
#include "codec/json_bytes.h"

namespace tracking::codec {

/// Steps over pieces of a text that it does not own. Each step takes where it begins and returns where it ends, or
/// nullptr with the fault set: so the position stays in a register. Not bound to whole texts: the caller puts the steps
/// together. Used by one thread.
class JsonScanner {
 public:
  JsonScanner(const char* text, std::size_t size) noexcept : begin_(text), end_(text + size) {}

  const char* end() const noexcept { return end_; }
  std::size_t offset_of(const char* at) const noexcept { return static_cast<std::size_t>(at - begin_); }
  const JsonFault& fault() const noexcept { return fault_; }

  /// Whether raw line breaks were skipped since the flag was last cleared.
  bool has_line_breaks() const noexcept { return has_line_breaks_; }
  void clear_line_breaks() noexcept { has_line_breaks_ = false; }

  /// To the first value; a byte order mark is a fault.
  const char* skip_start() noexcept;
  /// Over white space; never fails.
  const char* skip_space(const char* at) noexcept {
    if (at != end_ && static_cast<unsigned char>(*at) > ' ') return at;
    return skip_some_space(at);
  }
  /// Over one value of at most `levels` levels; levels <= nesting_max.
  const char* skip_value(const char* at, int levels) noexcept;
  /// Over a string; `at` is at its opening quote, and the end is after the closing one.
  const char* skip_string(const char* at) noexcept {
#ifdef __SSE2__
    // Nearly all names and many values end here.
    if (end_ - at > 16) {
      const unsigned special = special_of_16(at + 1);
      const char* const first = at + 1 + std::countr_zero(special | 1u << 15);
      if (*first == '"') return first + 1;
    }
#endif
    return skip_rest_of_string(at + 1);
  }
  /// Over `"name" :` and the space after it. The name without its quotes is what stands in `name`.
  const char* skip_name(const char* at, std::string_view& name) noexcept {
    if (at == end_ || *at != '"') return fail_at_name(at);
    const char* const begin = at + 1;
    if (!(at = skip_string(at))) return nullptr;
    name = {begin, static_cast<std::size_t>(at - 1 - begin)};
    at = skip_space(at);
    if (at == end_ || *at != ':') return fail_at_colon(at);
    return skip_space(at + 1);
  }
  const char* skip_number(const char* at) noexcept;

  /// Sets the fault; always nullptr.
  const char* fail(const char* at, const char* what) noexcept {
    fault_ = {offset_of(at), what};
    return nullptr;
  }

  static constexpr const char* unexpected_end = "unexpected end of the text";

 private:
  const char* fail_at_name(const char* at) noexcept;
  const char* fail_at_colon(const char* at) noexcept;
  const char* skip_some_space(const char* at) noexcept;
  const char* skip_rest_of_string(const char* at) noexcept;
  const char* skip_scalar(const char* at) noexcept;
  const char* skip_word(const char* at, std::string_view word) noexcept;
  const char* skip_escape(const char* at) noexcept;
  const char* skip_digits(const char* at) noexcept;

  const char* begin_;
  const char* end_;
  JsonFault fault_;
  bool has_line_breaks_ = false;
};

}  // namespace tracking::codec
