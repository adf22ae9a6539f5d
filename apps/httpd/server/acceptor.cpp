#include "server/acceptor.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/address.h"

namespace tracking::httpd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// How long to wait for a descriptor or for memory to become free.
constexpr auto pause_time = std::chrono::milliseconds(100);
/// The kernel's buffer for what we send over a connection. It would grow to megabytes for each that does not read.
constexpr int send_buffer_bytes = 128 * 1024;
/// Accepted in one turn, so that the first loop's connections get theirs.
constexpr int accepted_max = 64;

Connection::Peer peer_of(const sockaddr_storage& address) noexcept {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127 ? Connection::Peer::loopback : Connection::Peer::remote;
  }
  if (address.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    const bool is_mapped_loopback = IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6) || is_mapped_loopback ? Connection::Peer::loopback : Connection::Peer::remote;
  }
  return Connection::Peer::remote;
}

}  // namespace

Acceptor::Acceptor(tcp::acceptor socket, Shared& shared, std::vector<std::unique_ptr<Loop>>& loops,
                   LoopMetrics& metrics, Log log)
    : socket_(std::move(socket)),
      pause_(socket_.get_executor()),
      shared_(shared),
      loops_(loops),
      metrics_(metrics),
      log_(std::move(log)) {
  boost::system::error_code ignored;
  port_ = socket_.local_endpoint(ignored).port();
}

Result<tcp::acceptor> Acceptor::bind(asio::io_context& io, std::string_view address) {
  const auto endpoint = parse_listen_address(address);
  if (!endpoint) return endpoint.error();
  boost::system::error_code error;
  tcp::acceptor socket(io);
  const auto failed = [&]() -> Status {
    std::string message = "cannot listen on " + std::string(address) + ": " + error.message();
    if (error == asio::error::address_in_use) {
      message = "cannot listen on " + std::string(address) +
                ": another server has this port; stop it, or choose another address";
    }
    return {Code::invalid_parameter, std::move(message)};
  };
  socket.open(endpoint->protocol(), error);
  if (error) return failed();
  // For a restart while old connections are in TIME_WAIT; it lets no second server in.
  socket.set_option(tcp::acceptor::reuse_address(true), error);
  socket.bind(*endpoint, error);
  if (error) return failed();
  // Accepted sockets inherit these.
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  socket.set_option(asio::socket_base::send_buffer_size(send_buffer_bytes), error);
  socket.listen(asio::socket_base::max_listen_connections, error);
  if (!error) socket.native_non_blocking(true, error);
  if (error) return failed();
  return socket;
}

void Acceptor::start() { wait(); }

void Acceptor::wait() {
  socket_.async_wait(tcp::acceptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    if (accept_all()) wait();
  });
}

bool Acceptor::accept_all() noexcept {
  for (int i = 0; i < accepted_max; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int descriptor =
        ::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      // Any other error is of one connection that went away again.
      const bool is_exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (is_exhausted) pause(errno);
      if (is_exhausted || errno == EAGAIN || errno == EWOULDBLOCK || errno == EBADF) return !is_exhausted;
      continue;
    }
    if (is_paused_) {
      is_paused_ = false;
      if (log_) log_(LogLevel::info, "connections are accepted again");
    }
    if (shared_.connections.fetch_add(1, std::memory_order_relaxed) >= shared_.settings.connections_max) {
      refuse(descriptor);
      continue;
    }
    add(metrics_.connections_accepted, 1);
    loops_[next_loop_]->adopt(descriptor, peer_of(address));
    next_loop_ = (next_loop_ + 1) % loops_.size();
  }
  return true;
}

void Acceptor::pause(int error) {
  if (!is_paused_ && log_) {
    log_(LogLevel::warning, std::string("no connections are accepted until some have closed: ") + std::strerror(error));
  }
  is_paused_ = true;
  pause_.expires_after(pause_time);
  pause_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled && socket_.is_open() && accept_all()) wait();
  });
}

/// Says why, if that can be said without waiting, and closes.
void Acceptor::refuse(int descriptor) noexcept {
  static constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
      "Connection: close\r\nContent-Length: 109\r\n\r\n"
      R"({"type":"overloaded","title":"Overloaded","status":503,"detail":"there are too many connections at present"})"
      "\n";
  add(metrics_.connections_refused, 1);
  (void)!::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor, SHUT_WR);
  ::close(descriptor);
  shared_.connection_closed();
}

void Acceptor::close() noexcept {
  accept_all();
  boost::system::error_code ignored;
  socket_.close(ignored);
  try {
    pause_.cancel();
  } catch (const std::exception&) {
    // then it expires
  }
}

}  // namespace tracking::httpd
