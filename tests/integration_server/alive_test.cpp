// Whether event loops come round, which is what the daemon tells its supervisor.
#include "integration_server/fixture.h"

#include <pthread.h>

#include <atomic>
#include <latch>
#include <string_view>

namespace tracking::httpd {
namespace {

bool is_on_event_loop() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return std::string_view(name) == "http-loop";
}

/// Publishing waits on an event loop, which no broker may do. Other threads publish too: the one that found the
/// account, and whatever comes while it does.
class BlockingBroker final : public Broker {
 public:
  void publish(Lines lines, Completion done) noexcept override {
    if (is_on_event_loop()) {
      is_entered = true;
      may_leave.wait();
    }
    published += lines.size();
    done.all(AckLevel::sent);
  }

  std::atomic<bool> is_entered = false;
  std::atomic<std::size_t> published = 0;
  std::latch may_leave{1};
};

TEST_F(ListenerTest, IsAliveWhileItsLoopsComeRound) {
  start(patient_settings());
  EXPECT_TRUE(listener_->is_alive());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(eventually([&] { return listener_->is_alive(); }));
}

TEST_F(ListenerTest, ALoopThatIsStuckIsNotAliveUntilItGoesOn) {
  auto made = std::make_unique<BlockingBroker>();
  BlockingBroker& broker = *made;
  service_ = TrackingService::open(AccountSource("memory:?active=1"), std::move(made)).value();
  auto settings = patient_settings();
  settings.threads = 1;
  listener_ = PublicListener::bind(settings, *service_, ledger_, {}).value();
  listener_->start();
  Client client = connect();
  std::size_t sent = 0;
  while (!broker.is_entered && sent < 1000) {
    client.send(post());
    ++sent;
    ASSERT_TRUE(eventually([&] { return broker.is_entered || broker.published == sent; }));
  }
  ASSERT_TRUE(broker.is_entered);
  listener_->is_alive();  // asks
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(listener_->is_alive());
    std::this_thread::yield();
  }
  broker.may_leave.count_down();
  EXPECT_TRUE(eventually([&] { return listener_->is_alive(); }));
  for (; sent > 0; --sent) EXPECT_EQ(202, client.read_status());
}

}  // namespace
}  // namespace tracking::httpd
