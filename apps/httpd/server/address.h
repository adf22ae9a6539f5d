// Where to listen.
#pragma once

#include <tracking/status.h>

#include <boost/asio/ip/tcp.hpp>
#include <string_view>

namespace tracking::httpd {

/// "127.0.0.1:8080", "localhost:8080", "[::1]:8080", ":8080" (every IPv4 address).
Result<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);

}  // namespace tracking::httpd
