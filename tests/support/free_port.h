// A port for a server that a test starts, also before it is started and while it is away.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

namespace tracking::test {

/// A port of 127.0.0.1 on which nobody listens. Nobody else is given it while this lives: not by the kernel, which
/// gives ports from 32768 on (as Linux comes) to whoever listens or connects without naming one, and not by other
/// tests, of which each holds a name in the network's abstract namespace for each of its ports.
class FreePort {
 public:
  FreePort() {
    std::random_device random;
    const unsigned start = random();
    for (unsigned i = 0; i < count; ++i) {
      const auto port = static_cast<std::uint16_t>(first + (start + i) % count);
      if (take(port)) return;
    }
    throw std::runtime_error("no free port");
  }
  FreePort(const FreePort&) = delete;
  FreePort& operator=(const FreePort&) = delete;
  ~FreePort() { ::close(name_); }

  std::uint16_t number() const { return number_; }

 private:
  static constexpr unsigned first = 20'000, count = 12'000;

  bool take(std::uint16_t port) {
    const int name = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const std::string text = "tracking-test-port-" + std::to_string(port);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    text.copy(address.sun_path + 1, sizeof address.sun_path - 1);  // the zero before it makes it abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    if (::bind(name, reinterpret_cast<sockaddr*>(&address), size) == 0 && can_be_listened_on(port)) {
      name_ = name;
      number_ = port;
      return true;
    }
    ::close(name);
    return false;
  }
  static bool can_be_listened_on(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool can = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return can;
  }

  int name_ = -1;
  std::uint16_t number_ = 0;
};

}  // namespace tracking::test
