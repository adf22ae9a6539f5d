#include "server/address.h"

#include <boost/asio/io_context.hpp>
#include <charconv>
#include <string>

namespace tracking::httpd {

Result<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text) {
  using boost::asio::ip::tcp;
  const std::string quoted = "'" + std::string(text) + "'";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return {Code::invalid_parameter, quoted + " has no port; write it as 127.0.0.1:8080"};
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (failure != std::errc() || end != port_text.data() + port_text.size()) {
    return {Code::invalid_parameter, quoted + " does not end in a port from 0 to 65535"};
  }
  if (host.empty()) return tcp::endpoint(tcp::v4(), port);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return {Code::invalid_parameter, quoted + " needs brackets around its IPv6 address: [::1]:8080"};
  }
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  if (!error) return tcp::endpoint(address, port);
  boost::asio::io_context io;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(std::string(host), std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    return {Code::invalid_parameter, quoted + ": the host is not known (" + error.message() + ")"};
  }
  // localhost is both; the old one is what other programs try first.
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

}  // namespace tracking::httpd
