// Tracking at a distance while allocations fail: what the server took is accepted or in doubt, what is refused it has
// not seen, and all goes on afterwards.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <tracking/http.h>
#include <tracking/service.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "support/no_memory.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events_max = 10;
constexpr std::array<std::string_view, events_max> ids = {"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"};

/// Accepts every event, and knows which came. It allocates nothing: those of its client fail.
class AcceptingServer {
 public:
  AcceptingServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    const bool is_listening = ::bind(listener_, place, size) == 0 && ::listen(listener_, 64) == 0;
    if (!is_listening || ::getsockname(listener_, place, &size) != 0 || ::pipe(stop_) != 0) std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~AcceptingServer() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    ::close(listener_);
  }
  AcceptingServer(const AcceptingServer&) = delete;
  AcceptingServer& operator=(const AcceptingServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int times_received(std::size_t event) const { return received_[event]; }
  void forget() {
    for (auto& count : received_) count = 0;
  }

 private:
  static constexpr std::size_t peers_max = 32;
  struct Peer {
    int socket = -1;
    std::size_t size = 0;
    std::array<char, 8 << 10> bytes;
  };

  void run() noexcept {
    for (;;) {
      std::array<pollfd, peers_max + 2> polled{};
      polled[0] = {.fd = stop_[0], .events = POLLIN, .revents = 0};
      polled[1] = {.fd = listener_, .events = POLLIN, .revents = 0};
      for (std::size_t i = 0; i < peers_max; ++i)
        polled[i + 2] = {.fd = peers_[i].socket, .events = POLLIN, .revents = 0};
      ::poll(polled.data(), polled.size(), -1);
      if (polled[0].revents != 0) break;
      for (std::size_t i = 0; i < peers_max; ++i) {
        if (polled[i + 2].revents != 0) read(peers_[i]);
      }
      if (polled[1].revents != 0) accept();
    }
    for (Peer& peer : peers_) {
      if (peer.socket >= 0) ::close(peer.socket);
    }
  }

  void accept() noexcept {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    for (Peer& peer : peers_) {
      if (peer.socket >= 0) continue;
      peer.socket = socket;
      peer.size = 0;
      return;
    }
    std::abort();  // more connections than the service has
  }

  void read(Peer& peer) noexcept {
    const auto count = ::recv(peer.socket, peer.bytes.data() + peer.size, peer.bytes.size() - peer.size, 0);
    if (count <= 0) {
      ::close(peer.socket);
      peer.socket = -1;
      return;
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
    answer(peer.socket, request.substr(head_end + 4, body_size));
    peer.size = 0;
  }

  void answer(int socket, std::string_view body) noexcept {
    std::size_t events = 0;
    std::string_view id;
    for (std::size_t i = 0; i < events_max; ++i) {
      const std::array<char, 10> member = {'"', 'i', 'd', '"', ':', '"', 'e', static_cast<char>('0' + i), '"', ','};
      if (body.find(std::string_view(member.data(), member.size())) == std::string_view::npos) continue;
      ++received_[i];
      ++events;
      id = ids[i];
    }
    std::array<char, 256> json;
    const int size = body.starts_with('[')
                         ? std::snprintf(json.data(), json.size(), R"({"accepted":%zu,"ack":"stored"})", events)
                         : std::snprintf(json.data(), json.size(),
                                         R"({"id":"%.*s","timestamp":"2026-11-23T20:24:06.751257Z","ack":"stored"})",
                                         static_cast<int>(id.size()), id.data());
    std::array<char, 512> whole;
    const int whole_size = std::snprintf(whole.data(), whole.size(),
                                         "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                                         "Content-Length: %d\r\n\r\n%.*s",
                                         size, size, json.data());
    ::send(socket, whole.data(), static_cast<std::size_t>(whole_size), MSG_NOSIGNAL);
  }

  int listener_ = -1;
  int stop_[2] = {-1, -1};
  int port_ = 0;
  std::array<Peer, peers_max> peers_;
  std::array<std::atomic<int>, events_max> received_{};
  std::thread thread_;
};

/// Receipts of a call, kept and waited for without an allocation.
struct Receipts {
  std::array<Receipt, events_max> all;
  std::size_t count = 0;
  std::atomic<int> calls = 0;

  ReceiptHandler handler() {
    return [this](std::span<const Receipt> receipts) {
      count = receipts.size();
      std::copy(receipts.begin(), receipts.end(), all.begin());
      ++calls;
      calls.notify_one();
    };
  }
  void wait() { calls.wait(0); }
};

struct NoMemoryAtADistance : ::testing::TestWithParam<MemoryFault> {
  std::unique_ptr<TrackingService> connect() {
    return TrackingService::connect(server.url() + "?connections=2", {http()}, {.ack = AckLevel::stored}).value();
  }
  void check(const Receipts& receipts, std::span<const Event> events) {
    ASSERT_EQ(receipts.calls, 1);
    ASSERT_TRUE(receipts.count == events.size() || (receipts.count == 0 && events.size() > 1)) << receipts.count;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Code code = receipts.count == 0 ? Code::overloaded : receipts.all[i].code;
      const auto event = static_cast<std::size_t>(events[i].id[1] - '0');
      if (code == Code::ok) {
        EXPECT_EQ(server.times_received(event), 1);
        EXPECT_EQ(receipts.all[i].id, events[i].id);
      } else if (code != Code::in_doubt) {
        EXPECT_EQ(code, Code::overloaded);
        EXPECT_EQ(server.times_received(event), 0);
      }
    }
  }
  AcceptingServer server;
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryAtADistance, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemoryAtADistance, WhatIsRefusedWasNotSentAndWhatIsAcceptedWas) {
  std::unique_ptr<TrackingService> service;
  Receipts of_many;
  Receipts of_one;
  ReceiptHandler many_done;
  ReceiptHandler one_done;
  std::vector<Event> many;
  for (std::size_t i = 0; i < 7; ++i) {
    many.push_back({.account_id = static_cast<AccountId>(i % 2 + 1), .data = R"("some text")", .id = ids[i]});
  }
  const std::vector<Event> one{{.account_id = 1, .data = "1", .id = ids[7]}};
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        service.reset();
        server.forget();
        service = connect();
        of_many.calls = of_one.calls = 0;
        many_done = of_many.handler();
        one_done = of_one.handler();
      },
      [&] {
        service->track(many, std::move(many_done));
        of_many.wait();
        service->track(one, std::move(one_done));
        of_one.wait();
      },
      [&] {
        check(of_many, many);
        check(of_one, one);
        // With memory all goes on, and each answer is that of its own request.
        for (std::size_t i = 8; i < events_max; ++i) {
          for (const AccountId account : {1, 2}) {
            const auto receipt = service->track({.account_id = account, .data = "2", .id = ids[i]});
            ASSERT_TRUE(receipt) << receipt.error().message();
            EXPECT_EQ(receipt->id, ids[i]);
          }
        }
        EXPECT_TRUE(service->close(10s));
      });
  EXPECT_GT(runs, 20);
}

TEST_P(NoMemoryAtADistance, ALaneIsThereOrNot) {
  const auto service = connect();
  std::unique_ptr<Lane> lane;
  for_each_allocation(
      GetParam(), [&] { lane.reset(); }, [&] { lane = service->lane(); }, [] {});
  EXPECT_TRUE(lane);
}

}  // namespace
}  // namespace tracking::test
