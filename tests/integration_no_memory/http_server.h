// A server whose client's allocations fail: it allocates nothing itself.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace tracking::test {

/// What an HttpServer does with requests. Called by its thread.
class HttpHandler {
 public:
  virtual void answer(std::size_t peer, std::string_view head, std::string_view body) noexcept = 0;
  virtual void peer_left(std::size_t /*peer*/) noexcept {}
  virtual void poked() noexcept {}

 protected:
  ~HttpHandler() = default;
};

/// Takes requests one after the other from each of its peers.
class HttpServer {
 public:
  static constexpr std::size_t peers_max = 32;

  /// The handler outlives it.
  explicit HttpServer(HttpHandler& handler) : handler_(handler) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    const bool is_listening = ::bind(listener_, place, size) == 0 && ::listen(listener_, 64) == 0;
    if (!is_listening || ::getsockname(listener_, place, &size) != 0 || ::pipe(orders_) != 0) std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~HttpServer() {
    ::close(orders_[1]);
    thread_.join();
    ::close(orders_[0]);
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// The handler is told so, soon.
  void poke() noexcept {
    if (::write(orders_[1], "", 1) != 1) std::abort();
  }
  /// By the handler. A peer that left is noticed later.
  void send(std::size_t peer, std::string_view bytes) noexcept {
    ::send(peers_[peer].socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

 private:
  struct Peer {
    int socket = -1;
    std::size_t size = 0;
    std::array<char, 8 << 10> bytes;
  };

  void run() noexcept {
    for (;;) {
      std::array<pollfd, peers_max + 2> polled{};
      polled[0] = {.fd = orders_[0], .events = POLLIN, .revents = 0};
      polled[1] = {.fd = listener_, .events = POLLIN, .revents = 0};
      for (std::size_t i = 0; i < peers_max; ++i)
        polled[i + 2] = {.fd = peers_[i].socket, .events = POLLIN, .revents = 0};
      ::poll(polled.data(), polled.size(), -1);
      if (polled[0].revents != 0) {
        char order = 0;
        if (::read(orders_[0], &order, 1) != 1) break;
        handler_.poked();
      }
      for (std::size_t i = 0; i < peers_max; ++i) {
        if (polled[i + 2].revents != 0) read(i);
      }
      if (polled[1].revents != 0) accept();
    }
    for (Peer& peer : peers_) {
      if (peer.socket >= 0) ::close(peer.socket);
    }
  }

  void accept() noexcept {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    for (Peer& peer : peers_) {
      if (peer.socket >= 0) continue;
      peer.socket = socket;
      peer.size = 0;
      return;
    }
    std::abort();  // more connections than the client has
  }

  void read(std::size_t index) noexcept {
    Peer& peer = peers_[index];
    const auto count = ::recv(peer.socket, peer.bytes.data() + peer.size, peer.bytes.size() - peer.size, 0);
    if (count <= 0) {
      ::close(peer.socket);
      peer.socket = -1;
      return handler_.peer_left(index);
    }
    peer.size += static_cast<std::size_t>(count);
    const std::string_view request(peer.bytes.data(), peer.size);
    const auto head_end = request.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return;
    constexpr std::string_view length = "Content-Length: ";
    const auto at = request.substr(0, head_end).find(length);
    const std::size_t body_size =
        at == std::string_view::npos ? 0 : std::strtoull(request.data() + at + length.size(), nullptr, 10);
    if (request.size() < head_end + 4 + body_size) return;
    handler_.answer(index, request.substr(0, head_end), request.substr(head_end + 4, body_size));
    peer.size = 0;
  }

  HttpHandler& handler_;
  int listener_ = -1;
  int orders_[2] = {-1, -1};
  int port_ = 0;
  std::array<Peer, peers_max> peers_;  // used by the thread
  std::thread thread_;
};

}  // namespace tracking::test
