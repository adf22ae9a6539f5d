// Subscribing at a distance, without a service in between.
#include "integration_jetstream/jetstream_support.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

TEST_F(JetStreamTest, ASubscriberAtADistanceStartsBeforeServerAndStream) {
  auto subscriber = from_afar({.since = "all"});
  EXPECT_EQ(next(*subscriber, 10ms), "");
  server_.start();
  EXPECT_EQ(next(*subscriber, 100ms), "");
  Stranger stranger(server_);
  EXPECT_NE(stranger.ask("STREAM.INFO.TRACKING").find("stream not found"), std::string::npos) << "readers make none";
  const auto replica = ready_replica();
  replica.track(1, "1");
  EXPECT_EQ(next(*subscriber), "1");
}

TEST_F(JetStreamTest, WithoutRetryAnAbsentServerEndsIt) {
  const auto opened = Subscriber::open(server_.url("", "jetstream") + "?retry=off", {}, {nats()});
  EXPECT_EQ(opened.code(), Code::could_not_connect);
}

TEST_F(JetStreamTest, AtADistanceLinesAndCursorsAreThoseOfTheService) {
  server_.start();
  const auto replica = ready_replica();
  for (int i = 0; i < 10; ++i) replica.track(1 + i % 3, std::to_string(i));
  for (const std::vector<AccountId>& accounts : {std::vector<AccountId>{}, {1}, {1, 2}}) {
    auto near = replica.subscribe({.account_ids = accounts, .since = "all", .follow = false});
    auto far = from_afar({.account_ids = accounts, .since = "all", .follow = false});
    while (const auto expected = near->next()) {
      const auto delivery = far->next(20s);
      ASSERT_TRUE(delivery);
      EXPECT_EQ(delivery->json(), expected->json());
      EXPECT_EQ(delivery->cursor(), expected->cursor());
    }
    EXPECT_FALSE(far->next());
    EXPECT_TRUE(far->is_ended());
  }
}

TEST_F(JetStreamTest, AtADistanceTheFilterChangesWithoutLosingOrRepeating) {
  server_.start();
  const auto replica = ready_replica();
  replica.track(1, "\"first\"");
  auto subscriber = from_afar({.account_ids = {1}, .since = "all"});
  EXPECT_EQ(next(*subscriber), "first");
  std::atomic<bool> is_over{false};
  std::thread tracker([&] {
    for (int i = 0; !is_over; ++i) {
      replica.track(1, std::to_string(i));
      replica.track(2, "\"other\"");
    }
  });
  int expected = 0;
  int others = 0;
  for (int change = 0; change < 6; ++change) {
    ASSERT_TRUE(subscriber->set_accounts(change % 2 == 0 ? std::vector<AccountId>{1, 2} : std::vector<AccountId>{1}));
    for (int i = 0; i < 40; ++i) {
      const auto data = next(*subscriber);
      if (data == "other") {
        ++others;
      } else {
        ASSERT_EQ(data, std::to_string(expected++));
      }
    }
  }
  is_over = true;
  tracker.join();
  EXPECT_GT(others, 0);
}

TEST_F(JetStreamTest, AnAccountThatIsAddedAtADistanceBeginsWithWhatIsAcceptedFromThenOn) {
  server_.start();
  const auto replica = ready_replica();
  replica.track(1, "\"a\"");
  auto subscriber = from_afar({.account_ids = {1}, .since = "all"});
  EXPECT_EQ(next(*subscriber), "a");
  replica.track(2, "\"too early\"");
  ASSERT_TRUE(subscriber->set_accounts({1, 2}));
  replica.track(2, "\"b\"");
  EXPECT_EQ(next(*subscriber), "b");
}

TEST_F(JetStreamTest, ASlowReaderAtADistanceLosesNothing) {
  server_.start();
  const auto replica = ready_replica();
  auto subscriber = from_afar({.since = "all"});
  replica.track(1, "\"begin\"");
  EXPECT_EQ(next(*subscriber), "begin");
  // More than the live history of a reader holds.
  constexpr std::size_t count = 3'000;
  const std::string data = '"' + std::string(6'000, 'x') + '"';
  const std::vector<Event> events(100, Event{.account_id = 1, .data = data});
  std::atomic<std::size_t> stored{0};
  for (std::size_t i = 0; i < count / events.size(); ++i) {
    replica.service->track(events, [&](std::span<const Receipt> receipts) {
      for (const Receipt& receipt : receipts) stored += receipt.code == Code::ok;
    });
    ASSERT_TRUE(eventually([&] { return stored == (i + 1) * events.size(); }));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto delivery = subscriber->next(20s);
    ASSERT_TRUE(delivery);
    ASSERT_TRUE(delivery->event()) << delivery->json();
    ASSERT_EQ(delivery->event()->sequence, i + 2);
  }
}

TEST_F(JetStreamTest, AtADistanceTheLinkComesBackAndNothingIsMissing) {
  server_.start();
  const auto replica = ready_replica();
  auto subscriber = from_afar({.account_ids = {1}, .since = "all"});
  replica.track(1, "1");
  EXPECT_EQ(next(*subscriber), "1");
  server_.kill();
  server_.start();
  ASSERT_TRUE(eventually([&] { return replica.track(1, "2").code == Code::ok; }));
  EXPECT_EQ(next(*subscriber), "2");
}

}  // namespace
}  // namespace tracking::test
