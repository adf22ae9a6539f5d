// Whatever the server does not do, nothing of ours hangs or grows.
#include "script_server.h"

#include <tracking/http.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace tracking {
namespace {

using test::cursor;
using test::event_frame;
using test::Peer;
using test::ScriptServer;
using namespace std::chrono_literals;

constexpr auto prompt = 2s;  // measured: below 50 ms on an idle machine

// A port whose backlog is full: connecting to it neither succeeds nor fails.
class BlackHole {
 public:
  BlackHole() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::listen(listener_, 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      [[maybe_unused]] const int connected = ::connect(filler, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    connecting_at_first_ = connecting();
  }
  ~BlackHole() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// Somebody else is connecting to it.
  bool is_connected_to() const { return connecting() > connecting_at_first_; }

 private:
  // How many of this machine's sockets wait for the other side of a connection to it (/proc/net/tcp: state 02,
  // SYN_SENT).
  int connecting() const {
    char to[32];
    std::snprintf(to, sizeof to, " 0100007F:%04X 02 ", static_cast<unsigned>(port_));
    std::ifstream table("/proc/self/net/tcp");
    int count = 0;
    for (std::string line; std::getline(table, line);) count += line.find(to) != line.npos;
    return count;
  }

  int listener_;
  int port_ = 0;
  int fillers_[4] = {};
  int connecting_at_first_ = 0;
};

template <class Act>
std::chrono::nanoseconds time_of(Act act) {
  const auto start = std::chrono::steady_clock::now();
  act();
  return std::chrono::steady_clock::now() - start;
}

TEST(HttpUnresponsive, ASubscriberClosesAtOnceWhileItConnects) {
  const BlackHole hole;
  auto subscriber = Subscriber::open(hole.url(), {}, {http()}).value();
  EXPECT_FALSE(subscriber->next(200ms));
  EXPECT_LT(time_of([&] { subscriber.reset(); }), prompt);
}

TEST(HttpUnresponsive, ASubscriberClosesAtOnceWhileTheServerIsSilent) {
  const ScriptServer server([](Peer& peer, int) {
    peer.read_request();
    peer.wait_closed();
  });
  auto subscriber = Subscriber::open(server.url(), {}, {http()}).value();
  ASSERT_TRUE(test::eventually([&] { return server.connections() == 1; }));
  EXPECT_LT(time_of([&] { subscriber.reset(); }), prompt);
}

TEST(HttpUnresponsive, ASubscriberClosesAtOnceWhileItWaitsBetweenTwoTries) {
  auto subscriber = Subscriber::open("http://127.0.0.1:" + std::to_string(test::unused_port()), {}, {http()}).value();
  EXPECT_FALSE(subscriber->next(500ms));
  EXPECT_LT(time_of([&] { subscriber.reset(); }), prompt);
}

TEST(HttpUnresponsive, ASlowConsumerStopsTheReadingAndItsMemoryStaysBounded) {
  std::atomic<std::size_t> sent{0};
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    sent = peer.send_until_stuck(event_frame(1, 1, "\"" + std::string(60'000, 'x') + "\""), 256u << 20);
  });
  auto subscriber = Subscriber::open(server.url(), {.buffer_bytes_max = 1 << 20}, {http()}).value();
  ASSERT_TRUE(test::eventually([&] { return sent > 0; }));
  EXPECT_LT(sent, 32u << 20) << "what the kernel buffers, and a megabyte of ours";
  EXPECT_LT(time_of([&] { subscriber.reset(); }), prompt);
}

TEST(HttpUnresponsive, AServiceCompletesWhatIsPendingAtItsDeadline) {
  std::atomic<bool> has_request{false};
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    has_request = true;
    peer.wait_closed();
  });
  auto service = TrackingService::connect(server.url("?connections=1"), {http()}).value();
  std::vector<Code> codes;
  const Event event{.account_id = 1, .data = "1"};
  const auto note = [&](std::span<const Receipt> receipts) { codes.push_back(receipts[0].code); };
  service->track({&event, 1}, note);
  ASSERT_TRUE(test::eventually([&] { return has_request.load(); }));
  service->track({&event, 1}, note);
  EXPECT_LT(time_of([&] { EXPECT_EQ(service->close(100ms).code(), Code::timed_out); }), prompt);
  EXPECT_EQ(codes, (std::vector<Code>{Code::in_doubt, Code::closed}));
  service->track({&event, 1}, note);
  EXPECT_EQ(codes.back(), Code::closed);
}

TEST(HttpUnresponsive, AServiceClosesAtOnceWhileItConnects) {
  const BlackHole hole;
  auto service = TrackingService::connect(hole.url(), {http()}).value();
  const Event event{.account_id = 1, .data = "1"};
  Code code = Code::internal;
  service->track({&event, 1}, [&](std::span<const Receipt> receipts) { code = receipts[0].code; });
  ASSERT_TRUE(test::eventually([&] { return hole.is_connected_to(); }));
  EXPECT_LT(time_of([&] { service->close(50ms).ignore(); }), prompt);
  EXPECT_EQ(code, Code::broker_unavailable);
}

TEST(HttpUnresponsive, ASilentServerPutsAnEventInDoubt) {
  const ScriptServer server([](Peer& peer, int) {
    peer.read_request();
    peer.wait_closed();
  });
  auto service = TrackingService::connect(server.url("?answer_timeout=200ms"), {http()}).value();
  const auto receipts = service->track(std::vector<Event>{{.account_id = 1, .data = "1"}});
  EXPECT_EQ(receipts[0].code, Code::in_doubt);
  EXPECT_FALSE(receipts[0].id.empty());
}

TEST(HttpUnresponsive, AFullBacklogIsOverloadedAtOnce) {
  const ScriptServer server([](Peer& peer, int) {
    peer.read_request();
    peer.wait_closed();
  });
  ServiceOptions options;
  options.parked_events_max = 2;
  auto service = TrackingService::connect(server.url(), {http()}, options).value();
  const std::vector<Event> two(2, {.account_id = 1, .data = "1"});
  service->track(two, [](std::span<const Receipt>) {});
  Code code = Code::ok;
  service->track(std::span(two).first(1), [&](std::span<const Receipt> receipts) { code = receipts[0].code; });
  EXPECT_EQ(code, Code::overloaded);
  service->close(0ms).ignore();
}

}  // namespace
}  // namespace tracking
