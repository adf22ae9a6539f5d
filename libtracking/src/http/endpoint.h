// Where a server is, and how we talk to it: a http:// URL, understood.
#pragma once

#include <tracking/backends.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace tracking::remote {

/// A listener's address.
struct Address {
  std::string host;  ///< a name, an IPv4 address, or an IPv6 address without brackets
  std::uint16_t port = 80;

  /// "http://host:port", for messages.
  std::string url() const;
};

struct Endpoint {
  Address events;
  Address admin;
  std::string admin_token;  ///< empty = none; never shown

  /// False: the first connection that fails is the end.
  bool retries = true;
  /// A stream that is silent for longer is dead: more than two of the server's heartbeats (15 s each).
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(35);
  /// A request without an answer for so long is in doubt.
  std::chrono::milliseconds answer_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  /// Connections on which a service sends, each with a thread.
  unsigned connections = 4;
};

/// invalid_parameter names what is wrong with the URL, without its secrets.
Result<Endpoint> parse_endpoint(const BackendUrl& url);

}  // namespace tracking::remote
