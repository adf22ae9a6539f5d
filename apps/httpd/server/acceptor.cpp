#include "server/acceptor.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "server/address.h"

namespace tracking::httpd {
namespace {

/// How long to wait for a descriptor or for memory to become free.
constexpr auto pause_time = std::chrono::milliseconds(100);
/// The kernel's buffer for what we send over a connection. It would grow to megabytes for each that does not read.
constexpr int send_buffer_bytes = 128 * 1024;
/// Accepted in one turn, so that the first loop's connections get theirs.
constexpr int accepted_max = 64;

bool set_option(int socket, int level, int name, int value) noexcept {
  return setsockopt(socket, level, name, &value, sizeof value) == 0;
}

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

Acceptor::Acceptor(FileDescriptor socket, Shared& shared, std::vector<std::unique_ptr<Loop>>& loops,
                   LoopMetrics& metrics, Log log)
    : socket_(std::move(socket)),
      shared_(shared),
      loops_(loops),
      loop_(*loops.front()),
      metrics_(metrics),
      log_(std::move(log)) {
  sockaddr_in6 address{};  // or the shorter one of IPv4, whose port lies at the same place
  socklen_t size = sizeof address;
  getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin6_port);
}

Result<FileDescriptor> Acceptor::bind(std::string_view address) {
  const auto endpoint = parse_listen_address(address);
  if (!endpoint) return endpoint.error();
  FileDescriptor owner(
      ::socket(endpoint->protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  const int socket = owner.get();
  const bool is_listening =
      owner.is_open() &&
      // For a restart while old connections are in TIME_WAIT; it lets no second server in.
      set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1) && ::bind(socket, endpoint->data(), endpoint->size()) == 0 &&
      // Accepted sockets inherit these.
      set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1) && set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1) &&
      set_option(socket, SOL_SOCKET, SO_SNDBUF, send_buffer_bytes) && ::listen(socket, SOMAXCONN) == 0;
  if (is_listening) return owner;
  const int error = errno;
  std::string message = "cannot listen on " + std::string(address) + ": ";
  message += error == EADDRINUSE ? "another server has this port; stop it, or choose another address"
                                 : std::generic_category().message(error);
  return {Code::invalid_parameter, std::move(message)};
}

void Acceptor::start() noexcept {
  // Sets nothing. UBSan takes a descriptor to look at a type for the first time, and pause() has none to give.
  loop_.wheel().set(*this, Time::max());
  if (!loop_.reactor().watch(socket_.get(), *this, EPOLLIN)) pause();
}

void Acceptor::ready(std::uint32_t) noexcept {
  if (socket_.is_open() && !accept_all()) pause();
}

void Acceptor::pause() noexcept {
  loop_.reactor().watch_for(socket_.get(), *this, 0);
  loop_.wheel().set(*this, loop_.context().now() + pause_time);
  loop_.keep_turning();
}

void Acceptor::due() noexcept {
  loop_.let_rest();
  if (socket_.is_open() && !loop_.reactor().watch_for(socket_.get(), *this, EPOLLIN)) start();
}

bool Acceptor::accept_all() noexcept {
  for (int i = 0; i < accepted_max; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileDescriptor accepted(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted.is_open()) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EBADF) return true;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        tell_shortage(errno);
        return false;
      }
      continue;  // any other error is of one connection that went away again
    }
    if (std::exchange(is_short_, false) && log_) log_(LogLevel::info, "connections are accepted again");
    if (shared_.connections.fetch_add(1, std::memory_order_relaxed) >= shared_.settings.connections_max) {
      refuse(std::move(accepted));
      continue;
    }
    add(metrics_.connections_accepted, 1);
    loops_[next_loop_]->adopt(std::move(accepted), peer_of(address));
    next_loop_ = (next_loop_ + 1) % loops_.size();
  }
  return true;
}

void Acceptor::tell_shortage(int error) {
  if (std::exchange(is_short_, true) || !log_) return;
  log_(LogLevel::warning, std::string("no connections are accepted until some have closed: ") + std::strerror(error));
}

/// Says why, if that can be said without waiting, and closes.
void Acceptor::refuse(FileDescriptor descriptor) noexcept {
  static constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
      "Connection: close\r\nContent-Length: 109\r\n\r\n"
      R"({"type":"overloaded","title":"Overloaded","status":503,"detail":"there are too many connections at present"})"
      "\n";
  add(metrics_.connections_refused, 1);
  (void)!::send(descriptor.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor.get(), SHUT_WR);
  descriptor.close();
  shared_.connection_closed();
}

void Acceptor::close() noexcept {
  accept_all();
  socket_.close();
}

}  // namespace tracking::httpd
