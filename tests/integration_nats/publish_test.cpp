// Publishing to a server that comes, goes, freezes and has limits.
#include "integration_nats/nats_support.h"

#include <tracking/nats.h>

#include <nats/nats.h>

#include <deque>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

/// Keeps the outcomes of one batch.
class Outcomes final : public CompletionTarget {
 public:
  explicit Outcomes(std::size_t count) : outcomes_(count) {}
  void resolve(std::size_t index, const Outcome& outcome) noexcept override { outcomes_[index] = outcome; }
  void finish(const Outcome& rest) noexcept override {
    for (auto& outcome : outcomes_) {
      if (!outcome) outcome = rest;
    }
    is_complete_ = true;
  }
  const Outcome& operator[](std::size_t index) const { return *outcomes_[index]; }
  bool is_complete() const { return is_complete_; }

 private:
  std::vector<std::optional<Outcome>> outcomes_;
  std::atomic<bool> is_complete_{false};
};

/// A subscriber of somebody else's, by cnats without us.
class Stranger {
 public:
  Stranger(const NatsServer& server, const std::string& subject) {
    EXPECT_EQ(natsConnection_ConnectTo(&connection_, server.url().c_str()), NATS_OK);
    EXPECT_EQ(natsConnection_SubscribeSync(&subscription_, connection_, subject.c_str()), NATS_OK);
    EXPECT_EQ(natsSubscription_SetPendingLimits(subscription_, -1, -1), NATS_OK);
    EXPECT_EQ(natsConnection_FlushTimeout(connection_, 5'000), NATS_OK);
  }
  ~Stranger() {
    natsSubscription_Destroy(subscription_);
    natsConnection_Destroy(connection_);
  }
  /// "subject payload", or nothing within the time.
  std::string next(std::int64_t timeout_ms = 10'000) {
    natsMsg* message = nullptr;
    if (natsSubscription_NextMsg(&message, subscription_, timeout_ms) != NATS_OK) return "";
    std::string text = std::string(natsMsg_GetSubject(message)) + ' ';
    text.append(natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message)));
    natsMsg_Destroy(message);
    return text;
  }

 private:
  natsConnection* connection_ = nullptr;
  natsSubscription* subscription_ = nullptr;
};

class NatsPublish : public ::testing::Test {
 protected:
  void open(const std::string& parameters = "") {
    broker_ = Backends({nats()})
                  .open_broker({.url = BackendUrl::parse(server_.url() + parameters).value(), .log = log_.sink()})
                  .value();
  }
  bool comes_up() const {
    return eventually([&] { return broker_->health().is_ok(); });
  }
  Code publish(AccountId account_id, const std::string& json) {
    const std::vector<Line> lines{{.json = json, .account_id = account_id}};
    Outcomes outcomes(1);
    broker_->publish({lines, AckLevel::sent}, Completion(outcomes));
    EXPECT_TRUE(outcomes.is_complete()) << "nothing is to wait for";
    return outcomes[0].code;
  }
  /// With a queue that is nearly full it may wait in it.
  Code publish_to_its_end(AccountId account_id, const std::string& json) {
    const std::vector<Line> lines{{.json = json, .account_id = account_id}};
    Outcomes outcomes(1);
    broker_->publish({lines, AckLevel::sent}, Completion(outcomes));
    EXPECT_TRUE(eventually([&] { return outcomes.is_complete(); }));
    return outcomes[0].code;
  }

  NatsServer server_;
  LogLines log_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(NatsPublish, AnEventIsThePayloadOnTheSubjectOfItsAccount) {
  server_.start();
  Stranger stranger(server_, "tracking.events.*");
  open();
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(publish(7, "seven"), Code::ok);
  EXPECT_EQ(publish(9223372036854775807, "most"), Code::ok);
  EXPECT_EQ(stranger.next(), "tracking.events.7 seven");
  EXPECT_EQ(stranger.next(), "tracking.events.9223372036854775807 most");
}

TEST_F(NatsPublish, ThePrefixCanBeChosen) {
  server_.start();
  Stranger stranger(server_, "my.own.*");
  open("?prefix=my.own");
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(publish(7, "seven"), Code::ok);
  EXPECT_EQ(stranger.next(), "my.own.7 seven");
}

TEST_F(NatsPublish, WithoutAServerItFailsAtOnceAndNothingIsKept) {
  open();
  EXPECT_EQ(broker_->health().code(), Code::broker_unavailable);
  EXPECT_EQ(publish(1, "before"), Code::broker_unavailable);
  server_.start();
  Stranger stranger(server_, ">");
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(publish(1, "first"), Code::ok);
  EXPECT_EQ(stranger.next(), "tracking.events.1 first");
  server_.kill();
  ASSERT_TRUE(eventually([&] { return !broker_->health().is_ok(); }));
  EXPECT_EQ(publish(1, "while it is away"), Code::broker_unavailable);
  server_.start();
  Stranger second(server_, ">");
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(publish(1, "after"), Code::ok);
  EXPECT_EQ(second.next(), "tracking.events.1 after");
}

TEST_F(NatsPublish, AFrozenServerBlocksNobodyAndTheQueueIsBounded) {
  server_.start();
  open();
  ASSERT_TRUE(comes_up());
  server_.freeze();
  const std::string json(1'000, 'x');
  const std::vector<Line> lines{{.json = json, .account_id = 1}};
  std::deque<Outcomes> outcomes;
  auto longest = 0ns;
  do {
    ASSERT_LT(outcomes.size(), 64u << 20 >> 10) << "64 MiB must not fit anywhere";
    const auto before = std::chrono::steady_clock::now();
    broker_->publish({lines, AckLevel::sent}, Completion(outcomes.emplace_back(1)));
    longest = std::max(longest, std::chrono::steady_clock::now() - before);
  } while (!outcomes.back().is_complete() || outcomes.back()[0].code == Code::ok);
  EXPECT_EQ(outcomes.back()[0].code, Code::overloaded);
  EXPECT_LT(longest, 3s);
  EXPECT_TRUE(eventually([&] { return publish_to_its_end(1, json) == Code::broker_unavailable; })) << "noticed";
  for (const auto& one : outcomes) ASSERT_TRUE(eventually([&] { return one.is_complete(); }));
  server_.thaw();
  Stranger stranger(server_, ">");
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(publish(1, "after"), Code::ok);
  EXPECT_EQ(stranger.next(), "tracking.events.1 after") << "what was queued was dropped with the link";
}

/// Asks, when it is told that an event failed, whether the broker would say that it takes events.
class HealthWhenFailed final : public CompletionTarget {
 public:
  explicit HealthWhenFailed(Broker& broker) : broker_(broker) {}
  void resolve(std::size_t, const Outcome& outcome) noexcept override { finish(outcome); }
  void finish(const Outcome& rest) noexcept override {
    if (rest.code == Code::ok || health_) return;
    const Code health = broker_.health().code();
    const std::lock_guard lock(mutex_);
    health_ = health;
  }
  std::optional<Code> health() const {
    const std::lock_guard lock(mutex_);
    return health_;
  }

 private:
  Broker& broker_;
  mutable std::mutex mutex_;
  std::optional<Code> health_;  // guarded by mutex_; written by one thread
};

TEST_F(NatsPublish, WhoIsToldThatTheServerIsLostIsNotToldThatItTakesEvents) {
  server_.start();
  open();
  ASSERT_TRUE(comes_up());
  server_.freeze();
  HealthWhenFailed failed(*broker_);
  const std::string json(100'000, 'x');
  const std::vector<Line> lines(200, {.json = json, .account_id = 1});  // far back: it waits in the queue
  broker_->publish({lines, AckLevel::sent}, Completion(failed));
  server_.kill();
  ASSERT_TRUE(eventually([&] { return failed.health().has_value(); }));
  EXPECT_EQ(failed.health(), Code::broker_unavailable);
}

TEST_F(NatsPublish, WhoWaitsForOutcomesPublishesAtTheServersPace) {
  server_.start();
  open();
  ASSERT_TRUE(comes_up());
  const std::string json(100'000, 'x');
  const std::vector<Line> lines(10, {.json = json, .account_id = 1});
  for (int i = 0; i < 200; ++i) {  // 200 MB in all
    Outcomes outcomes(lines.size());
    broker_->publish({lines, AckLevel::sent}, Completion(outcomes));
    ASSERT_TRUE(eventually([&] { return outcomes.is_complete(); }));
    for (std::size_t line = 0; line < lines.size(); ++line) ASSERT_EQ(outcomes[line].code, Code::ok);
  }
}

TEST_F(NatsPublish, ALineThatTheServerDoesNotTakeIsTooLargeAndOthersGoOn) {
  server_.start("max_payload: 8KB");
  Stranger stranger(server_, ">");
  open();
  ASSERT_TRUE(comes_up());
  const std::string largest(8'192, 'a');
  const std::string larger(8'193, 'b');
  const std::vector<Line> lines{
      {.json = largest, .account_id = 1}, {.json = larger, .account_id = 1}, {.json = "c", .account_id = 2}};
  Outcomes outcomes(3);
  broker_->publish({lines, AckLevel::sent}, Completion(outcomes));
  ASSERT_TRUE(outcomes.is_complete());
  EXPECT_EQ(outcomes[0].code, Code::ok);
  EXPECT_EQ(outcomes[1].code, Code::too_large);
  EXPECT_EQ(outcomes[2].code, Code::ok);
  EXPECT_EQ(stranger.next(), "tracking.events.1 " + largest);
  EXPECT_EQ(stranger.next(), "tracking.events.2 c");
}

TEST_F(NatsPublish, CloseFlushesAllThatWasTaken) {
  server_.start();
  Stranger stranger(server_, ">");
  open();
  ASSERT_TRUE(comes_up());
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    while (publish(1, "event " + std::to_string(i)) == Code::overloaded) std::this_thread::yield();
  }
  EXPECT_TRUE(broker_->close(10s));
  EXPECT_EQ(publish(1, "late"), Code::broker_unavailable);
  broker_.reset();
  for (int i = 0; i < count; ++i) ASSERT_EQ(stranger.next(), "tracking.events.1 event " + std::to_string(i));
}

TEST_F(NatsPublish, CloseKeepsItsDeadlineWithAFrozenServer) {
  server_.start();
  open();
  ASSERT_TRUE(comes_up());
  server_.freeze();
  EXPECT_EQ(publish(1, "event"), Code::ok);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(broker_->close(200ms).code(), Code::timed_out);
  broker_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 6s);
}

TEST_F(NatsPublish, ProducersKeepTheirOrderWhileManyPublish) {
  server_.start();
  Stranger stranger(server_, ">");
  open();
  ASSERT_TRUE(comes_up());
  constexpr int count = 5'000;
  constexpr int producers = 4;
  std::vector<std::thread> threads;
  for (int producer = 1; producer <= producers; ++producer) {
    threads.emplace_back([&, producer] {
      for (int i = 0; i < count; ++i) {
        while (publish(producer, std::to_string(i)) == Code::overloaded) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<int> next(producers + 1);
  for (int i = 0; i < count * producers; ++i) {
    const std::string message = stranger.next();
    const auto producer = static_cast<std::size_t>(message.at(sizeof "tracking.events." - 1) - '0');
    ASSERT_EQ(message.substr(message.find(' ') + 1), std::to_string(next.at(producer)++));
  }
}

}  // namespace
}  // namespace tracking::test
