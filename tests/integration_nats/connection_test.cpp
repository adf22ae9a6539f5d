// A connection's life: made, lost, made again, whatever the server does.
#include "integration_nats/nats_support.h"

#include <fstream>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;
using nats_io::Connection;
using nats_io::Link;

/// Counts what it is told.
class Listener final : public nats_io::ConnectionUser {
 public:
  Status on_connected(const std::shared_ptr<Link>& link) noexcept override {
    ++connects;
    return refuses ? Status(Code::internal, "not today") : link ? Status() : Status(Code::internal, "no link");
  }
  void on_disconnected(const Status&) noexcept override { ++disconnects; }
  Status on_tick(const std::shared_ptr<Link>&) noexcept override {
    ++ticks;
    return {};
  }
  std::atomic<int> connects{0}, disconnects{0}, ticks{0};
  std::atomic<bool> refuses{false};
};

class NatsConnection : public ::testing::Test {
 protected:
  void connect(const std::string& url) { connection_.emplace(nats_options(url), listener_, log_.sink()); }
  bool is_up() const { return connection_->status().is_ok(); }
  bool comes_up() const {
    return eventually([&] { return is_up(); });
  }
  bool goes_down() const {
    return eventually([&] { return !is_up(); });
  }

  NatsServer server_;
  LogLines log_;
  Listener listener_;
  std::optional<Connection> connection_;
};

TEST_F(NatsConnection, AServerThatIsThereIsFoundBeforeTheFirstAttemptIsOver) {
  server_.start();
  connect(server_.url());
  EXPECT_TRUE(connection_->wait_first_attempt(10s));
  EXPECT_EQ(listener_.connects, 1);
  EXPECT_TRUE(connection_->flush(20s));
  EXPECT_TRUE(eventually([&] { return log_.lines() == std::vector{"connected to NATS at " + server_.url()}; }));
  connection_.reset();
  EXPECT_EQ(listener_.disconnects, 1);
}

TEST_F(NatsConnection, AnAbsentServerIsTriedUntilItComes) {
  connect(server_.url());
  const Status status = connection_->wait_first_attempt(10s);
  EXPECT_EQ(status.code(), Code::broker_unavailable);
  EXPECT_NE(status.message().find("no NATS server answers at " + server_.url()), std::string::npos) << status.message();
  EXPECT_EQ(connection_->link(), nullptr);
  EXPECT_EQ(connection_->flush(1s).code(), Code::broker_unavailable);
  server_.start();
  const auto since = std::chrono::steady_clock::now();
  EXPECT_TRUE(comes_up());
  EXPECT_LT(std::chrono::steady_clock::now() - since, 6s) << "about one, on a quiet machine";
}

TEST_F(NatsConnection, AKilledServerIsNoticedAtOnceAndFoundAgain) {
  server_.start();
  connect(server_.url());
  ASSERT_TRUE(comes_up());
  for (int round = 1; round <= 3; ++round) {
    server_.kill();
    ASSERT_TRUE(goes_down());
    ASSERT_TRUE(eventually([&] { return listener_.disconnects == round; }));
    server_.start();
    ASSERT_TRUE(comes_up());
    EXPECT_EQ(listener_.connects, round + 1);
  }
  EXPECT_EQ(log_.count_when("connected to NATS at", 4), 4u);
  EXPECT_EQ(log_.count("lost the connection to NATS at " + server_.url()), 3u);
}

TEST_F(NatsConnection, AFrozenServerIsNoticed) {
  server_.start();
  connect(server_.url());
  ASSERT_TRUE(comes_up());
  server_.freeze();
  const auto since = std::chrono::steady_clock::now();
  EXPECT_TRUE(goes_down());
  EXPECT_LT(std::chrono::steady_clock::now() - since, 18s) << "13 s, on a quiet machine";
  EXPECT_EQ(log_.count_when("it answers no PING", 1), 1u);
  server_.thaw();
  EXPECT_TRUE(comes_up());
}

TEST_F(NatsConnection, AFrozenServerDelaysNoEnd) {
  server_.start();
  connect(server_.url());
  ASSERT_TRUE(comes_up());
  server_.freeze();
  EXPECT_EQ(connection_->flush(50ms).code(), Code::timed_out);
  const auto since = std::chrono::steady_clock::now();
  connection_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - since, 5s);
}

TEST_F(NatsConnection, ARefusalIsSaidOnceAndTriedUntilItIsTakenBack) {
  server_.start("authorization { user: alice, password: secret }");
  connect(server_.url("alice:wrong@"));
  EXPECT_EQ(connection_->wait_first_attempt(10s).code(), Code::broker_unavailable);
  const auto attempts = [&] {
    const std::string log = server_.log();
    std::size_t count = 0;
    for (auto at = log.find("authentication error"); at != log.npos; at = log.find("authentication error", at + 1))
      ++count;
    return count;
  };
  EXPECT_TRUE(eventually([&] { return attempts() >= 4; })) << "cnats by itself gives up after two";
  EXPECT_EQ(log_.count("NATS refuses us at nats://***@127.0.0.1"), 1u);
  EXPECT_EQ(log_.count("wrong"), 0u);
  EXPECT_EQ(log_.lines().size(), 1u);
  server_.start("authorization { user: alice, password: wrong }");
  EXPECT_TRUE(comes_up());
}

TEST_F(NatsConnection, AUserThatIsRevokedIsRefusedAndLetInAgain) {
  server_.start("authorization { user: alice, password: secret }");
  connect(server_.url("alice:secret@"));
  ASSERT_TRUE(comes_up());
  server_.reload("authorization { user: alice, password: other }");
  ASSERT_TRUE(goes_down());
  EXPECT_TRUE(eventually([&] { return log_.count("refuses us") == 1; }));
  server_.reload("authorization { user: alice, password: secret }");
  EXPECT_TRUE(comes_up());
}

TEST_F(NatsConnection, TheOtherServerIsTakenWhenOneDies) {
  NatsServer other;
  server_.start();
  other.start();
  connect(server_.url() + ",127.0.0.1:" + std::to_string(other.port()));
  ASSERT_TRUE(comes_up());
  ASSERT_EQ(log_.count_when("connected to NATS at", 1), 1u);
  const bool is_first = log_.count("connected to NATS at " + server_.url()) == 1;
  (is_first ? server_ : other).kill();
  ASSERT_TRUE(eventually([&] { return listener_.connects == 2; }));
  EXPECT_TRUE(comes_up());
  EXPECT_EQ(log_.count_when("connected to NATS at " + (is_first ? other : server_).url(), 1), 1u);
}

TEST_F(NatsConnection, AUserThatCannotSetUpIsTriedAgain) {
  server_.start();
  listener_.refuses = true;
  connect(server_.url());
  ASSERT_TRUE(eventually([&] { return listener_.disconnects >= 2; }));
  EXPECT_EQ(connection_->status().code(), Code::broker_unavailable);
  EXPECT_EQ(log_.count("not today"), 1u);
  listener_.refuses = false;
  EXPECT_TRUE(comes_up());
}

TEST_F(NatsConnection, ATokenFileIsReadAtEachConnect) {
  server_.start("authorization { token: first }");
  const auto file = server_.folder() / "token";
  std::ofstream(file) << "first\n";
  connect(server_.url() + "?token_file=" + file.string());
  ASSERT_TRUE(comes_up());
  std::ofstream(file) << "second\n";
  server_.start("authorization { token: second }");
  ASSERT_TRUE(eventually([&] { return listener_.connects == 2; }));
  EXPECT_TRUE(comes_up());
}

}  // namespace
}  // namespace tracking::test
