// A relay of TCP connections, which can be cut: a link that is lost without its server's end. It allocates nothing.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

namespace tracking::test {

/// From a free port of 127.0.0.1 to `port`. Used by one thread.
class Relay {
 public:
  explicit Relay(std::uint16_t port) : target_(port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 16) != 0 || ::getsockname(listener_, raw, &size) != 0)
      throw std::runtime_error("no port for a relay");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Relay() {
    is_stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    cut();
    thread_.join();
    ::close(listener_);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// Ends the connections that there are; new ones are taken.
  void cut() noexcept { is_cut_ = true; }

 private:
  struct Pair {
    int client = -1;
    int server = -1;
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void run() noexcept {
    while (!is_stopping_) {
      std::array<pollfd, 1 + 2 * pairs_max> polled{};
      polled[0] = {.fd = listener_, .events = POLLIN, .revents = 0};
      for (std::size_t i = 0; i < pairs_max; ++i) {
        polled[1 + 2 * i] = {.fd = pairs_[i].client, .events = POLLIN, .revents = 0};
        polled[2 + 2 * i] = {.fd = pairs_[i].server, .events = POLLIN, .revents = 0};
      }
      ::poll(polled.data(), polled.size(), 5);
      if (is_cut_.exchange(false)) {
        for (Pair& pair : pairs_) close(pair);
        continue;
      }
      for (std::size_t i = 0; i < pairs_max; ++i) {
        Pair& pair = pairs_[i];
        const bool is_up = (polled[1 + 2 * i].revents == 0 || move(pair.client, pair.server)) &&
                           (polled[2 + 2 * i].revents == 0 || move(pair.server, pair.client));
        if (!is_up) close(pair);
      }
      if ((polled[0].revents & POLLIN) != 0) take();
    }
    for (Pair& pair : pairs_) close(pair);
  }

  static bool move(int from, int to) noexcept {
    std::array<char, 16'384> bytes;
    const auto count = ::recv(from, bytes.data(), bytes.size(), 0);
    for (ssize_t sent = 0; sent < count;) {
      const auto more = ::send(to, bytes.data() + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
      if (more <= 0) return false;
      sent += more;
    }
    return count > 0;
  }

  void take() noexcept {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_);
    Pair made{client, server};
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      for (Pair& pair : pairs_) {
        if (pair.client >= 0) continue;
        pair = made;
        return;
      }
    }
    close(made);
  }

  static void close(Pair& pair) noexcept {
    for (int* socket : {&pair.client, &pair.server}) {
      if (*socket >= 0) ::close(*socket);
      *socket = -1;
    }
  }

  static constexpr std::size_t pairs_max = 8;

  const std::uint16_t target_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::array<Pair, pairs_max> pairs_;  // the thread's
  std::atomic<bool> is_cut_{false};
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace tracking::test
