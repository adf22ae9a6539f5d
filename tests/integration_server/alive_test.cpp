// Whether event loops come round, which is what the daemon tells its supervisor.
#include "integration_server/fixture.h"

#include <latch>
#include <utility>

namespace tracking::httpd {
namespace {

/// Publishing waits from the second event on, which no broker may do. The first one makes the account known: from then
/// on it is the event loop that publishes.
class BlockingBroker final : public Broker {
 public:
  void publish(Lines, Completion done) noexcept override {
    if (std::exchange(has_published, true)) {
      is_entered.count_down();
      may_leave.wait();
    }
    done.all(AckLevel::sent);
  }

  bool has_published = false;
  std::latch is_entered{1};
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
  client.send(post());
  ASSERT_EQ(202, client.read_status());
  client.send(post());
  broker.is_entered.wait();
  listener_->is_alive();  // asks
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(listener_->is_alive());
    std::this_thread::yield();
  }
  broker.may_leave.count_down();
  EXPECT_TRUE(eventually([&] { return listener_->is_alive(); }));
  EXPECT_EQ(202, client.read_status());
}

}  // namespace
}  // namespace tracking::httpd
