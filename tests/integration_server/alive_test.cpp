// Whether event loops come round, which is what the daemon tells its supervisor.
#include "integration_server/fixture.h"

#include <latch>

namespace tracking::httpd {
namespace {

/// Publishing waits, which no broker may do.
class BlockingBroker final : public Broker {
 public:
  void publish(Lines, Completion done) noexcept override {
    is_entered.count_down();
    may_leave.wait();
    done.all(AckLevel::sent);
  }

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
  listener_ = PublicListener::bind(patient_settings(), *service_, ledger_, {}).value();
  listener_->start();
  Client client = connect();
  client.send(post());
  broker.is_entered.wait();
  listener_->is_alive();  // asks
  EXPECT_FALSE(listener_->is_alive());
  EXPECT_FALSE(listener_->is_alive());
  broker.may_leave.count_down();
  EXPECT_TRUE(eventually([&] { return listener_->is_alive(); }));
  EXPECT_EQ(202, client.read_status());
}

}  // namespace
}  // namespace tracking::httpd
