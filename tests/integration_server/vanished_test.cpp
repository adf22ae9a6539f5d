// Peers that vanish without a word (fault 30): from one moment on no packet arrives any more, on either side, as when a
// cable is pulled or a machine loses its power. In a network of its own, so it needs root.
#include <linux/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "integration_server/fixture.h"

namespace tracking::httpd {
namespace {

class VanishedPeer : public ListenerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(0, ::unshare(CLONE_NEWNET)) << std::strerror(errno);
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    const int descriptor = ::socket(AF_INET, SOCK_DGRAM, 0);
    ASSERT_EQ(0, ::ioctl(descriptor, SIOCSIFFLAGS, &loopback)) << std::strerror(errno);
    ::close(descriptor);
    ListenerSettings settings =
        quick_settings(&ListenerSettings::idle_timeout, &ListenerSettings::body_timeout, &ListenerSettings::heartbeat);
    settings.stream_user_timeout = std::chrono::milliseconds(500);
    start(settings);
  }
  static void vanish() { ASSERT_EQ(0, std::system("iptables -w -A INPUT -p tcp -j DROP")); }

  void open_stream(Client& client) const {
    client.send("GET /v1/events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
    EXPECT_NE(std::string::npos, client.read_until("retry: 2000\n").find("200 OK"));
    EXPECT_EQ(1u, subscribers());
  }
  std::uint64_t subscribers() const {
    std::uint64_t sum = 0;
    for (const auto& metrics : listener_->metrics()) sum += metrics->subscribers.load();
    return sum;
  }
};

TEST_F(VanishedPeer, AConnectionIsReapedAfterTheIdleTime) {
  Client client = connect();
  client.send(post());
  EXPECT_EQ(202, client.read_status());
  vanish();
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(VanishedPeer, ABodyThatNeverComesIsGivenUpAndCounted) {
  Client client = connect();
  client.send(post().substr(0, 60));
  ASSERT_TRUE(eventually([&] { return connections() == 1; }));
  vanish();
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_EQ(1u, ledger_.read().rejected["request-timeout"]);
}

TEST_F(VanishedPeer, AnIdleStreamIsNoticedByItsHeartbeats) {
  Client client = connect();
  open_stream(client);
  vanish();
  EXPECT_TRUE(eventually([&] { return subscribers() == 0 && connections() == 0; }));
}

TEST_F(VanishedPeer, AStreamIsNoticedByEventsThatItCannotSend) {
  Client client = connect();
  open_stream(client);
  vanish();
  const std::string data = '"' + std::string(200'000, 'x') + '"';  // ten of them exceed the kernel's buffer
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(service_->track({.account_id = 1, .data = data}));
  EXPECT_TRUE(eventually([&] { return subscribers() == 0 && connections() == 0; }));
}

}  // namespace
}  // namespace tracking::httpd
