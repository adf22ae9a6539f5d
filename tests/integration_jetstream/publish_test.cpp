// Acknowledgements: what was stored, what was known, what was refused, and what is not known.
#include "integration_jetstream/jetstream_support.h"

#include <array>
#include <future>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

TEST_F(JetStreamTest, ARepeatIsRecognisedAcrossReplicas) {
  server_.start();
  const auto one = ready_replica();
  const auto other = ready_replica();
  const Receipt first = one.track(1, "1", "my-id");
  const Receipt second = other.track(1, "1", "my-id");
  EXPECT_FALSE(first.duplicate);
  EXPECT_EQ(second.code, Code::ok);
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.timestamp, first.timestamp);
  EXPECT_FALSE(other.track(2, "1", "my-id").duplicate) << "another account's";
  EXPECT_EQ(Stranger(server_).messages(), 2u);
}

TEST_F(JetStreamTest, AFullStreamRefusesAndKeepsWhatItHas) {
  server_.start();
  Stranger stranger(server_);
  stranger.make_usual_stream(R"(,"max_msgs":3)");
  const auto replica = ready_replica();
  for (const char* data : {"1", "2", "3"}) EXPECT_EQ(replica.track(1, data).code, Code::ok);
  EXPECT_EQ(replica.track(1, "4").code, Code::broker_unavailable);
  EXPECT_EQ(all_of(*replica.subscribe({.since = "all", .follow = false})), "123");
  EXPECT_TRUE(eventually([&] { return log_.count("refuses events: maximum messages exceeded") == 1; }));
  stranger.ask("STREAM.PURGE.TRACKING");
  EXPECT_EQ(replica.track(1, "5").code, Code::ok);
}

TEST_F(JetStreamTest, WhoIsToldThatTheServerIsLostIsNotToldThatItTakesEvents) {
  server_.start();
  const auto replica = ready_replica();
  ASSERT_EQ(replica.track(1, "1").code, Code::ok);
  server_.freeze();
  auto answer = replica.track_and_ask(1, "2");
  server_.kill();
  const auto told = answer.get();
  EXPECT_NE(told.outcome, Code::ok);
  EXPECT_EQ(told.health, Code::broker_unavailable);
}

TEST_F(JetStreamTest, SentIsAnsweredWithoutWaitingForTheStream) {
  server_.start();
  const auto replica = ready_replica();
  const Event event{.account_id = 1, .data = "1"};
  std::promise<Receipt> outcome;
  replica.service->track(std::span(&event, 1),
                         [&](std::span<const Receipt> receipts) { outcome.set_value(receipts[0]); },
                         {.ack = AckLevel::sent});
  const Receipt receipt = outcome.get_future().get();
  EXPECT_EQ(receipt.code, Code::ok);
  EXPECT_EQ(receipt.ack, AckLevel::sent);
  EXPECT_TRUE(replica.service->close(10s));
  EXPECT_EQ(Stranger(server_).messages(), 1u) << "flushed at the end";
}

TEST_F(JetStreamTest, AnEventThatTheServerDoesNotTakeIsTooLarge) {
  server_.start("max_payload: 8KB");
  const auto replica = ready_replica();
  EXPECT_EQ(replica.track(1, '"' + std::string(9'000, 'x') + '"').code, Code::too_large);
  EXPECT_EQ(replica.track(1, '"' + std::string(7'000, 'x') + '"').code, Code::ok);
}

TEST_F(JetStreamTest, AnEventThatTheStreamDoesNotTakeIsTooLarge) {
  server_.start();
  Stranger(server_).make_stream(R"({"name":"SMALL","subjects":["small.*"],"discard":"new","max_msg_size":1000})");
  const auto replica = ready_replica("?stream=SMALL&prefix=small");
  EXPECT_EQ(replica.track(1, '"' + std::string(2'000, 'x') + '"').code, Code::too_large);
  EXPECT_EQ(replica.track(1, "1").code, Code::ok);
}

TEST_F(JetStreamTest, MoreThanTheWindowIsOverloadedAtOnceAndEverythingIsAnswered) {
  server_.start();
  const auto replica = ready_replica("?ack_wait=3s");
  ASSERT_TRUE(eventually([&] {  // the account is known, which it is a moment after its first event was answered
    replica.track(1, "1");
    return replica.service->stats().lookups_hit > 0;
  }));
  server_.freeze();
  constexpr std::size_t batch_size = 1'000;
  constexpr std::size_t batches = 40;  // more than a window
  const std::vector<Event> events(batch_size, Event{.account_id = 1, .data = "1"});
  std::atomic<std::size_t> in_doubt{0}, overloaded{0}, others{0};
  for (std::size_t i = 0; i < batches; ++i) {
    replica.service->track(events, [&](std::span<const Receipt> receipts) {
      for (const Receipt& receipt : receipts)
        ++(receipt.code == Code::in_doubt ? in_doubt : receipt.code == Code::overloaded ? overloaded : others);
    });
  }
  EXPECT_GE(overloaded + others, (batches - (1 << 15) / batch_size - 1) * batch_size) << "at once";
  EXPECT_TRUE(eventually([&] { return in_doubt + overloaded + others == batches * batch_size; }));
  EXPECT_GT(in_doubt, 0u);
  EXPECT_GT(overloaded, 0u);
  server_.thaw();
}

}  // namespace
}  // namespace tracking::test
