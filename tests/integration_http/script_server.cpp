#include "script_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <stdexcept>

#include "support/free_port.h"

namespace tracking::test {
namespace {

int listen_on(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 64) != 0) {
    ::close(listener);
    throw std::runtime_error(std::string("cannot listen: ") + std::strerror(errno));
  }
  return listener;
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::size_t content_length(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

std::string Peer::read_request() {
  for (;;) {
    const auto end = unread_.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t size = end + 4 + content_length(unread_.substr(0, end));
      if (unread_.size() >= size) {
        std::string request = unread_.substr(0, size);
        unread_.erase(0, size);
        return request;
      }
    }
    char buffer[65536];
    const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) return "";
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Peer::send_chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return send(std::string(size).append(bytes).append("\r\n"));
}

bool Peer::open_stream(std::string_view at) {
  return send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n") &&
         send_chunk("retry: 2000\nid: " + std::string(at) + "\n\n");
}

bool Peer::answer(int status, std::string_view body, std::string_view content_type) {
  return send("HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: " + std::string(content_type) +
              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
}

bool Peer::problem(int status, std::string_view type, std::string_view detail) {
  return answer(status,
                "{\"type\":\"" + std::string(type) + "\",\"title\":\"t\",\"status\":" + std::to_string(status) +
                    ",\"detail\":\"" + std::string(detail) + "\"}",
                "application/problem+json");
}

void Peer::wait_closed() {
  char buffer[4096];
  while (::recv(socket_, buffer, sizeof buffer, 0) > 0) {
  }
}

std::size_t Peer::send_until_stuck(std::string_view bytes, std::size_t bytes_max) {
  const timeval half_a_second{.tv_sec = 0, .tv_usec = 500'000};
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &half_a_second, sizeof half_a_second);
  std::size_t sent = 0;
  while (sent < bytes_max && send_chunk(bytes)) sent += bytes.size();
  return sent;
}

ScriptServer::ScriptServer(Script script, int port)
    : script_(std::move(script)), listener_(listen_on(port)), port_(port_of(listener_)) {
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptServer::~ScriptServer() {
  is_stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
}

std::string ScriptServer::url(std::string_view query) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(query);
}

void ScriptServer::accept_all() {
  while (!is_stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int number = connections_++;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket, number] {
      Peer peer(socket);
      script_(peer, number);
      const std::lock_guard closing(mutex_);
      sockets_.erase(std::find(sockets_.begin(), sockets_.end(), socket));
      ::close(socket);
    });
  }
}

int unused_port() {
  static std::deque<FreePort> held;
  return held.emplace_back().number();
}

std::string request_line(const std::string& request) { return request.substr(0, request.find("\r\n")); }

std::string request_body(const std::string& request) {
  const auto end = request.find("\r\n\r\n");
  return end == std::string::npos ? "" : request.substr(end + 4);
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

Cursor position(std::uint64_t number) {
  return {
      .incarnation = 7, .position = number, .timestamp = Timestamp(std::chrono::seconds(1'767'225'600)), .id_hash = 9};
}

std::string cursor(std::uint64_t number) { return to_text(position(number)); }

std::string event_line(std::uint64_t number, AccountId account_id, std::string_view data) {
  return "{\"id\":\"e" + std::to_string(number) + "\",\"account_id\":" + std::to_string(account_id) +
         ",\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"producer\":\"p\",\"sequence\":" + std::to_string(number) +
         ",\"data\":" + std::string(data) + "}";
}

std::string event_frame(std::uint64_t number, AccountId account_id, std::string_view data) {
  return "id: " + cursor(number) + "\ndata: " + event_line(number, account_id, data) + "\n\n";
}

}  // namespace tracking::test
