// The head of a request to the admin listener, read strictly: what could be understood in two ways is refused.
#pragma once

#include <tracking/code.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracking::httpd {

/// Views into the bytes that it was parsed from.
struct AdminRequestHead {
  std::string_view method;
  std::string_view path;   ///< raw, without the query
  std::string_view query;  ///< raw, without the question mark
  bool is_http_1_0 = false;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::uint64_t content_length = 0;

  /// The first field of that name (in any case), or nothing.
  std::optional<std::string_view> field(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
  bool wants_close() const noexcept;
};

struct HeadFault {
  Code code = Code::ok;
  const char* what = "";
};

inline constexpr std::size_t head_bytes_max = 16u << 10;
inline constexpr std::size_t request_line_bytes_max = 8u << 10;
inline constexpr std::size_t header_count_max = 64;
inline constexpr std::size_t admin_body_bytes_max = 64u << 10;

/// Parses a head, from its first byte to the empty line inclusive. A body is announced by Content-Length or not at all:
/// chunked ones are refused, as httplib does not bound them.
HeadFault parse_head(std::string_view bytes, AdminRequestHead& head);

/// Compares without regard to ASCII case.
bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

}  // namespace tracking::httpd
