// A listener over memory backends, and a client that sends bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <tracking/testing.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "server/listener.h"

namespace tracking::httpd {

inline constexpr auto patience = std::chrono::seconds(10);

/// As ::connect, to 127.0.0.1.
inline int connect_to(int descriptor, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

/// Nobody listens at the port.
inline bool is_refused(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  const bool refused = connect_to(descriptor, port) != 0 && errno == ECONNREFUSED;
  ::close(descriptor);
  return refused;
}

/// A connection to 127.0.0.1.
class Client {
 public:
  explicit Client(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    EXPECT_EQ(0, connect_to(descriptor_, port));
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// The end of what is sent comes in one packet with it.
  void send_last(std::string_view bytes) {
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()),
              ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_MORE));
    ::shutdown(descriptor_, SHUT_WR);
  }
  /// Everything up to the first `marker`, with it; what came if the other side closes or nothing comes for long.
  std::string read_until(std::string_view marker) {
    while (buffer_.find(marker) == std::string::npos && read_more()) {
    }
    const std::size_t found = buffer_.find(marker);
    const std::size_t size = found == std::string::npos ? buffer_.size() : found + marker.size();
    std::string taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return taken;
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
  }
  /// The status of the next answer, whose body ends in '}'.
  int read_status() {
    const std::string head = read_until("\r\n\r\n");
    if (head.size() < 12) return 0;
    const std::size_t length = head.find("Content-Length: ");
    std::size_t left = length == std::string::npos ? 0 : std::stoul(head.substr(length + 16));
    while (buffer_.size() < left && read_more()) {
    }
    buffer_.erase(0, left);
    return std::stoi(head.substr(9, 3));
  }
  /// Closes with RST: nobody waits for answers any more.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  bool read_more() {
    pollfd waiting{descriptor_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0) return false;
    char bytes[16384];
    const ssize_t size = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (size > 0) buffer_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }

  int descriptor_;
  std::string buffer_;
};

class ListenerTest : public ::testing::Test {
 protected:
  /// The times that a test waits for are short. No other is: a client that is busy must not meet them.
  template <class... Times>
  static ListenerSettings quick_settings(Times ListenerSettings::*... times) {
    ListenerSettings settings = patient_settings();
    ((settings.*times = std::chrono::milliseconds(300)), ...);
    return settings;
  }
  /// Times never pass.
  static ListenerSettings patient_settings() {
    ListenerSettings settings;
    settings.address = "127.0.0.1:0";
    settings.threads = 2;
    return settings;
  }

  void start(const ListenerSettings& settings) {
    auto inner = Backends().open_broker({.url = BackendUrl::parse("memory:").value()}).value();
    auto broker = std::make_unique<tracking::testing::FaultyBroker>(std::move(inner), faults_);
    broker_ = broker.get();
    service_ = TrackingService::open(AccountSource("memory:?active=1,3&inactive=2"), std::move(broker)).value();
    listener_ = PublicListener::bind(settings, *service_, ledger_, {}).value();
    listener_->start();
  }
  void TearDown() override {
    faults_->release();
    if (broker_) broker_->complete_held();
    if (service_) service_->close(std::chrono::seconds(5)).ignore();
    listener_.reset();
  }

  Client connect() { return Client(listener_->port()); }
  /// Waits until `condition`; false if it never came true.
  template <class Condition>
  static bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  std::uint64_t connections() const {
    std::uint64_t sum = 0;
    for (const auto& metrics : listener_->metrics()) sum += metrics->connections.load();
    return sum;
  }

  std::shared_ptr<tracking::testing::Faults> faults_ = std::make_shared<tracking::testing::Faults>();
  tracking::testing::FaultyBroker* broker_ = nullptr;
  web::Ledger ledger_;
  std::unique_ptr<TrackingService> service_;
  std::unique_ptr<PublicListener> listener_;
};

inline std::string post(std::string_view body = R"({"account_id":1,"data":"foo"})", std::string_view headers = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace tracking::httpd
