#include "http/endpoint.h"

#include <charconv>
#include <optional>

namespace tracking::remote {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == ':' || c == '%';
}

// `//host[:port][/]`, as it stands behind "http:".
std::optional<Address> parse_authority(std::string_view rest) {
  if (rest.substr(0, 2) != "//") return std::nullopt;
  rest.remove_prefix(2);
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  Address address;
  std::string_view port;
  if (!rest.empty() && rest.front() == '[') {  // an IPv6 address (RFC 3986, 3.2.2)
    const auto bracket = rest.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    address.host = rest.substr(1, bracket - 1);
    port = rest.substr(bracket + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else {
    const auto colon = rest.find(':');
    address.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) port = rest.substr(colon);
    if (address.host.find('%') != std::string::npos) return std::nullopt;
  }
  if (address.host.empty()) return std::nullopt;
  for (const char c : address.host) {
    if (!is_host_character(c)) return std::nullopt;
  }
  if (!port.empty()) {
    const auto number = parse_number<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return std::nullopt;
    address.port = *number;
  }
  return address;
}

std::optional<std::chrono::milliseconds> parse_time(std::string_view text) {
  std::int64_t unit_ms = 0;
  if (text.size() > 2 && text.substr(text.size() - 2) == "ms") {
    unit_ms = 1;
    text.remove_suffix(2);
  } else if (text.size() > 1 && text.back() == 's') {
    unit_ms = 1'000;
    text.remove_suffix(1);
  }
  const auto number = parse_number<std::uint32_t>(text);
  if (unit_ms == 0 || !number || *number == 0 || *number > 3'600'000 / unit_ms) return std::nullopt;
  return std::chrono::milliseconds(*number * unit_ms);
}

// An empty text, or what is wrong with the parameter.
std::string apply_parameter(Endpoint& endpoint, const std::string& key, const std::string& value) {
  const auto set_time = [&](std::chrono::milliseconds& time) -> std::string {
    const auto parsed = parse_time(value);
    if (parsed) time = *parsed;
    return parsed ? "" : key + " must be a time from 1ms to 1h, like 500ms or 35s";
  };
  if (key == "admin") {
    const auto admin = value.substr(0, 5) == "http:" ? parse_authority(value.substr(5)) : std::nullopt;
    if (!admin) return "admin must be http://host:port";
    endpoint.admin = *admin;
  } else if (key == "admin_token") {
    for (const unsigned char c : value) {
      if (c <= ' ' || c >= 0x7f) return "admin_token must be printable ASCII without spaces";
    }
    endpoint.admin_token = value;
  } else if (key == "retry") {
    if (value != "on" && value != "off") return "retry must be on or off";
    endpoint.retries = value == "on";
  } else if (key == "connections") {
    const auto number = parse_number<unsigned>(value);
    if (!number || *number < 1 || *number > 64) return "connections must be from 1 to 64";
    endpoint.connections = *number;
  } else if (key == "idle_timeout") {
    return set_time(endpoint.idle_timeout);
  } else if (key == "answer_timeout") {
    return set_time(endpoint.answer_timeout);
  } else if (key == "connect_timeout") {
    return set_time(endpoint.connect_timeout);
  } else {
    return "there is no parameter " + key +
           " (there are admin, admin_token, retry, connections, idle_timeout, answer_timeout and connect_timeout)";
  }
  return "";
}

Status wrong_url(const BackendUrl& url, const std::string& what) {
  return {Code::invalid_parameter, url.redacted() + ": " + what};
}

}  // namespace

std::string Address::url() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return "http://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(const BackendUrl& url) {
  const auto address = parse_authority(url.rest);
  if (!address) return wrong_url(url, "must be http://host:port, without a user, a password or a path");
  Endpoint endpoint;
  endpoint.events = *address;
  endpoint.admin = {address->host, static_cast<std::uint16_t>(address->port + 1)};
  for (const auto& [key, value] : url.parameters) {
    if (auto wrong = apply_parameter(endpoint, key, value); !wrong.empty()) return wrong_url(url, wrong);
  }
  return endpoint;
}

}  // namespace tracking::remote
