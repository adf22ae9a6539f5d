#include "address.h"

#include <common/values.h>

#include <arpa/inet.h>

#include <cstring>

namespace tracking::httpd {
namespace {

/// Enough to refuse what is certainly no host; the resolver has the last word.
bool is_host(std::string_view text, bool is_bracketed) noexcept {
  if (text.empty() || text.size() > 253) return false;
  for (const char character : text) {
    const bool is_letter_or_digit = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
                                    (character >= 'A' && character <= 'Z');
    const bool is_sign =
        character == '.' || character == '-' || (is_bracketed && (character == ':' || character == '%'));
    if (!is_letter_or_digit && !is_sign) return false;
  }
  return true;
}

}  // namespace

std::string Address::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::is_loopback() const noexcept {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
}

std::optional<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = apps::parse_integer(text.substr(colon + 1));
  if (!port || *port > 65535) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool is_bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() && !is_bracketed) host = "0.0.0.0";
  if (!is_host(host, is_bracketed)) return std::nullopt;
  return Address{std::string(host), static_cast<std::uint16_t>(*port)};
}

}  // namespace tracking::httpd
