// The past: cursors over replicas and restarts, streams that are other ones, holes, strangers, what has gone.
#include "integration_jetstream/jetstream_support.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

TEST_F(JetStreamTest, ACursorIsValidOnEveryReplicaAndAfterARestart) {
  server_.start();
  std::string cursor;
  {
    const auto first = ready_replica();
    auto subscriber = first.subscribe();
    for (const char* data : {"1", "2", "3"}) first.track(1, data);
    next(*subscriber);
    cursor = subscriber->cursor();
  }
  server_.kill();
  server_.start();
  const auto second = ready_replica();
  EXPECT_EQ(all_of(*second.subscribe({.since = cursor, .follow = false})), "23");
}

TEST_F(JetStreamTest, AnotherStreamOfTheSameNameIsNoticed) {
  server_.start();
  const auto replica = ready_replica();
  auto subscriber = replica.subscribe();
  for (const char* data : {"1", "2", "3"}) replica.track(1, data);
  for (const char* expected : {"1", "2", "3"}) EXPECT_EQ(next(*subscriber), expected);
  const std::string cursor = subscriber->cursor();
  Stranger(server_).ask("STREAM.DELETE.TRACKING");
  ASSERT_TRUE(eventually([&] { return replica.track(1, "4").code == Code::ok; }));
  EXPECT_EQ(next(*subscriber), "[unknown-cursor]");
  EXPECT_EQ(next(*subscriber), "4");
  auto resumed = replica.subscribe({.since = cursor});
  EXPECT_EQ(next(*resumed), "[unknown-cursor]");
  EXPECT_EQ(next(*resumed), "4");
}

TEST_F(JetStreamTest, WhatThePurgeTookIsToldWithItsNumber) {
  server_.start();
  const auto replica = ready_replica();
  auto subscriber = replica.subscribe();
  for (int i = 1; i <= 9; ++i) replica.track(1 + i % 2, std::to_string(i));
  EXPECT_EQ(next(*subscriber), "1");
  const std::string cursor = subscriber->cursor();
  Stranger(server_).ask("STREAM.PURGE.TRACKING", R"({"seq":7})");
  EXPECT_EQ(all_of(*replica.subscribe({.since = cursor, .follow = false})), "[expired 5]789");
  EXPECT_EQ(all_of(*replica.subscribe({.account_ids = {1}, .since = cursor, .follow = false})), "[expired]8");
  EXPECT_EQ(all_of(*replica.subscribe({.since = "1h", .follow = false})), "[expired]789");
  EXPECT_EQ(all_of(*replica.subscribe({.since = "all", .follow = false})), "789");
}

TEST_F(JetStreamTest, SingleMessagesThatWereDeletedAreHolesAndNothingIsTold) {
  server_.start();
  const auto replica = ready_replica();
  for (int i = 1; i <= 9; ++i) replica.track(1, std::to_string(i));
  Stranger stranger(server_);
  for (const char* position : {"3", "4", "8"})
    stranger.ask("STREAM.MSG.DELETE.TRACKING", std::string(R"({"seq":)") + position + '}');
  EXPECT_EQ(all_of(*replica.subscribe({.since = "all", .follow = false})), "125679");
  EXPECT_EQ(all_of(*replica.subscribe({.tail = 3, .follow = false})), "679");
}

TEST_F(JetStreamTest, EventsOfStrangersAreDeliveredAndTheRestIsSkippedAndCounted) {
  server_.start();
  Stranger stranger(server_);
  stranger.make_stream(R"({"name":"TRACKING","subjects":["tracking.>"],"discard":"new"})");
  const auto replica = ready_replica();
  auto subscriber = replica.subscribe();
  const auto publish = [&] {
    stranger.publish("tracking.events.7", strangers_line(7, "a", "\"mine\""));
    for (const std::string garbage : {"", "garbage", "{}", "\xff\xfe", "[1,2]"})
      stranger.publish("tracking.events.7", garbage);
    stranger.publish("tracking.events.7", strangers_line(8, "b", "\"of another account\""));
    stranger.publish("tracking.events.x", strangers_line(7, "c", "1"));
    stranger.publish("tracking.elsewhere", "no event");
    stranger.publish("tracking.events.9223372036854775807", strangers_line(9223372036854775807, "d", "\"last\""));
  };
  publish();
  EXPECT_EQ(next(*subscriber), "mine");
  EXPECT_EQ(next(*subscriber), "last");
  EXPECT_TRUE(eventually([&] { return log_.count("in the stream TRACKING, which are no events of ours") == 1; }));
  EXPECT_EQ(all_of(*replica.subscribe({.since = "all", .follow = false})), "minelast");
  EXPECT_EQ(all_of(*replica.subscribe({.account_ids = {7}, .since = "all", .follow = false})), "mine");
}

TEST_F(JetStreamTest, ATailOfSomeAccountsIsFoundAmongManyOthers) {
  server_.start();
  const auto replica = ready_replica();
  replica.track(1, "\"a\"");
  for (int i = 0; i < 50; ++i) replica.track(3, "0");
  replica.track(2, "\"b\"");
  replica.track(1, "\"c\"");
  for (int i = 0; i < 50; ++i) replica.track(3, "0");
  EXPECT_EQ(all_of(*replica.subscribe({.account_ids = {1}, .tail = 1, .follow = false})), "c");
  EXPECT_EQ(all_of(*replica.subscribe({.account_ids = {1}, .tail = 2, .follow = false})), "ac");
  EXPECT_EQ(all_of(*replica.subscribe({.account_ids = {1, 2}, .tail = 2, .follow = false})), "bc");
  EXPECT_EQ(all_of(*replica.subscribe({.account_ids = {1, 2}, .tail = 9, .follow = false})), "abc");
}

TEST_F(JetStreamTest, ALongHistoryIsReadWholeByManyAtOnce) {
  server_.start();
  const auto replica = ready_replica();
  constexpr std::size_t count = 20'000;
  const std::vector<Event> events(1'000, Event{.account_id = 1, .data = "1"});
  std::atomic<std::size_t> stored{0};
  for (std::size_t i = 0; i < count / events.size(); ++i) {
    replica.service->track(events, [&](std::span<const Receipt> receipts) {
      for (const Receipt& receipt : receipts) stored += receipt.code == Code::ok;
    });
  }
  ASSERT_TRUE(eventually([&] { return stored == count; }));
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (int i = 0; i < 70; ++i)
    subscribers.push_back(replica.subscribe({.since = "all", .tail = 1'000, .follow = false}));
  subscribers.push_back(replica.subscribe({.since = "all", .follow = false}));
  std::size_t read = 0;
  for (auto& subscriber : subscribers) {
    while (subscriber->next_batch(20s, [&](const Deliveries& batch) { read += batch.size(); }) > 0) {
    }
  }
  EXPECT_EQ(read, count + 70 * 1'000);
}

}  // namespace
}  // namespace tracking::test
