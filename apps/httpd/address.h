// Where a listener listens: `host:port`, `[v6]:port`, `:port`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tracking::httpd {

struct Address {
  std::string host;  ///< without brackets; ":8080" means 0.0.0.0
  std::uint16_t port = 0;

  /// "127.0.0.1:8080", "[::1]:8080"
  std::string text() const;
  /// True for 127.0.0.0/8, ::1 and localhost: only this machine can connect.
  bool is_loopback() const noexcept;
};

/// Nothing if `text` is none.
std::optional<Address> parse_address(std::string_view text);

}  // namespace tracking::httpd
