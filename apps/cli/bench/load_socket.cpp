#include "load_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tracking::cli {

Result<Address> resolve(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return {Code::could_not_connect, "could not resolve " + host + ": " + ::gai_strerror(error)};
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.bytes = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

LoadSocket::LoadSocket(LoadSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

LoadSocket& LoadSocket::operator=(LoadSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

int LoadSocket::connect(const Address& address) {
  close();
  descriptor_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return errno;
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(descriptor_, to, address.bytes) == 0 || errno == EINPROGRESS) return 0;
  const int error = errno;
  close();
  return error;
}

int LoadSocket::connect_error() const {
  int error = 0;
  socklen_t bytes = sizeof error;
  return ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

std::ptrdiff_t LoadSocket::send(std::string_view bytes) const {
  const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

std::ptrdiff_t LoadSocket::receive(std::span<char> buffer) const {
  const auto received = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (received > 0) return received;
  const bool is_nothing = received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return is_nothing ? 0 : -1;
}

void LoadSocket::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace tracking::cli
