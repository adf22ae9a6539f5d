#include "server/head_scanner.h"

#include <cstring>

namespace tracking::httpd {
namespace {

bool begins_a_method(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

HeadScanner::Result HeadScanner::scan(std::string_view bytes, const HeadLimits& limits) noexcept {
  while (scanned_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    if (!found) break;
    const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (end == line_start_ || bytes[end - 1] != '\r') {
      return refuse(Code::bad_request, "a line of the head ends in LF without CR");
    }
    const std::string_view line = bytes.substr(line_start_, end - 1 - line_start_);
    if (lines_ == 0 && line.size() > limits.request_line_bytes_max) {
      return refuse(Code::uri_too_long, "the request line is too long");
    }
    if (end + 1 > limits.head_bytes_max) return refuse(Code::headers_too_large, "the head has too many bytes");
    if (lines_ == 0 && (line.empty() || !begins_a_method(line.front()))) {
      return refuse(Code::bad_request, "the request line begins with no method");
    }
    if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
      return refuse(Code::bad_request, "a header line begins with white space");
    }
    line_start_ = scanned_ = end + 1;
    if (line.empty()) return Result::complete;
    if (++lines_ > limits.header_count_max + 1) {
      return refuse(Code::headers_too_large, "the head has too many header lines");
    }
  }
  scanned_ = bytes.size();
  return check_unfinished(bytes, limits);
}

HeadScanner::Result HeadScanner::check_unfinished(std::string_view bytes, const HeadLimits& limits) noexcept {
  const std::size_t unfinished = bytes.size() - line_start_;
  if (lines_ == 0) {
    if (unfinished > 0 && !begins_a_method(bytes[line_start_])) {
      return refuse(Code::bad_request, "the request line begins with no method");
    }
    // One more for the CR that may have come already.
    if (unfinished > limits.request_line_bytes_max + 1) {
      return refuse(Code::uri_too_long, "the request line is too long");
    }
  }
  if (bytes.size() >= limits.head_bytes_max) return refuse(Code::headers_too_large, "the head has too many bytes");
  return Result::more;
}

HeadScanner::Result HeadScanner::refuse(Code code, std::string_view detail) noexcept {
  code_ = code;
  detail_ = detail;
  return Result::refused;
}

}  // namespace tracking::httpd
