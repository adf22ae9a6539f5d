// Finds the end of a request's head, and what Beast's parser would let through.
#pragma once

#include <tracking/code.h>

#include <cstddef>
#include <string_view>

namespace tracking::httpd {

struct HeadLimits {
  std::size_t request_line_bytes_max = 8u << 10;  ///< without its line break
  std::size_t head_bytes_max = 16u << 10;
  std::size_t header_count_max = 64;
};

/// Looks at a head line by line as it arrives. Beast accepts obs-fold and waits for the end of a head that can't be
/// one any more; both are noticed here, and the limits are held before more than they allow was kept.
class HeadScanner {
 public:
  enum class Result {
    more,      ///< not whole yet
    complete,  ///< head_bytes() is its size, with the empty line
    refused,   ///< code() and detail() say why
  };

  /// `bytes` starts where the request does and grows from call to call.
  Result scan(std::string_view bytes, const HeadLimits& limits) noexcept;
  void reset() noexcept { *this = {}; }

  std::size_t head_bytes() const noexcept { return line_start_; }
  Code code() const noexcept { return code_; }
  std::string_view detail() const noexcept { return detail_; }

 private:
  Result refuse(Code code, std::string_view detail) noexcept;
  Result check_unfinished(std::string_view bytes, const HeadLimits& limits) noexcept;

  std::size_t line_start_ = 0;
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;
  Code code_ = Code::ok;
  std::string_view detail_;
};

}  // namespace tracking::httpd
