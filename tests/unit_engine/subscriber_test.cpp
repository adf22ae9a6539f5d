// The waiting coat: time-outs, closing, changing the filter from other threads.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

struct SubscriberTest : ::testing::Test {
  std::unique_ptr<TrackingService> service = TrackingService::open({.accounts = "memory:?active=1,2,3"}).value();
  void track(AccountId id, std::string_view data) { ASSERT_TRUE(service->track({.account_id = id, .data = data})); }
};

TEST_F(SubscriberTest, NextReturnsNothingWhenTheTimeIsOver) {
  auto subscriber = service->subscribe().value();
  EXPECT_FALSE(subscriber->next(1ms));
  EXPECT_FALSE(subscriber->is_ended());
}

TEST_F(SubscriberTest, NextWaitsForAnEvent) {
  auto subscriber = service->subscribe().value();
  auto waiting = std::async(std::launch::async, [&] { return subscriber->next(); });
  track(1, "5");
  auto delivery = waiting.get();
  ASSERT_TRUE(delivery);
  ASSERT_TRUE(delivery->event());
  EXPECT_EQ(delivery->event()->data, "5");
  EXPECT_EQ(delivery->gap(), nullptr);
  EXPECT_EQ(delivery->cursor(), subscriber->cursor());
}

TEST_F(SubscriberTest, ADeliveryOutlivesItsSubscriberAndMoves) {
  std::optional<Delivery> kept;
  {
    auto subscriber = service->subscribe().value();
    track(1, R"("a")");
    kept = subscriber->next(10s);
  }
  service.reset();
  const Delivery moved = std::move(*kept);
  EXPECT_EQ(moved.event()->data, R"("a")");
  EXPECT_NE(moved.json().find(R"("data":"a"})"), std::string_view::npos);
}

TEST_F(SubscriberTest, CloseWakesAWaitingNext) {
  auto subscriber = service->subscribe().value();
  auto waiting = std::async(std::launch::async, [&] { return subscriber->next().has_value(); });
  subscriber->close();
  EXPECT_FALSE(waiting.get());
  EXPECT_TRUE(subscriber->is_ended());
  EXPECT_TRUE(subscriber->status());
  EXPECT_FALSE(subscriber->next(1ms));
}

TEST_F(SubscriberTest, AChangedFilterHoldsForWhatWasReadAlready) {
  auto subscriber = service->subscribe().value();
  for (int i = 0; i < 3; ++i) {
    track(1, "1");
    track(2, "2");
  }
  EXPECT_EQ(subscriber->next(10s)->event()->account_id, 1);
  ASSERT_TRUE(subscriber->set_accounts({2}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(subscriber->next(10s)->event()->account_id, 2);
  EXPECT_FALSE(subscriber->next(1ms));
}

TEST_F(SubscriberTest, TheBatchFormHandsOverAllThatIsThere) {
  auto subscriber = service->subscribe().value();
  for (int i = 0; i < 100; ++i) track(1, "1");
  std::size_t handled = 0;
  const auto count = subscriber->next_batch(10s, [&](const Deliveries& batch) {
    for (const DeliveryView& view : batch) handled += parse_event_line(view.json)->sequence;
  });
  EXPECT_EQ(count, 100u);
  EXPECT_EQ(handled, 5'050u);
  EXPECT_EQ(subscriber->next_batch(1ms, [](const Deliveries&) { FAIL(); }), 0u);
  auto resumed = service->subscribe({.since = subscriber->cursor()}).value();
  track(1, "2");
  EXPECT_EQ(resumed->next(10s)->event()->sequence, 101u);
}

TEST_F(SubscriberTest, TheFormsCanBeMixed) {
  auto subscriber = service->subscribe().value();
  for (int i = 0; i < 10; ++i) track(1, "1");
  EXPECT_EQ(subscriber->next(10s)->event()->sequence, 1u);
  EXPECT_EQ(subscriber->next_batch(
                10s, [](const Deliveries& batch) { EXPECT_EQ(parse_event_line(batch[0].json)->sequence, 2u); }),
            9u);
  track(1, "1");
  EXPECT_EQ(subscriber->next(10s)->event()->sequence, 11u);
}

TEST_F(SubscriberTest, AFilterChangedFromAnotherThreadLosesNothingOfWhatStays) {
  constexpr int events = 5'000;
  auto subscriber = service->subscribe({.account_ids = {1}, .buffer_bytes_max = 64u << 20}).value();
  std::thread changer([&] {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(subscriber->set_accounts(i % 3 == 0   ? std::vector<AccountId>{1, 2}
                                           : i % 3 == 1 ? std::vector<AccountId>{}
                                                        : std::vector<AccountId>{1}));
    }
  });
  std::thread tracker([&] {
    for (int i = 0; i < events; ++i) {
      track(1, "1");
      track(2, "2");
    }
  });
  std::uint64_t last = 0;
  while (last < events) {
    auto delivery = subscriber->next(30s);
    ASSERT_TRUE(delivery);
    ASSERT_TRUE(delivery->event()) << delivery->json();
    if (delivery->event()->account_id == 1) {
      ASSERT_EQ(delivery->event()->sequence, ++last);
    }
  }
  changer.join();
  tracker.join();
}

TEST_F(SubscriberTest, LimitEndsIt) {
  auto subscriber = service->subscribe({.limit = 2}).value();
  for (int i = 0; i < 3; ++i) track(1, "1");
  EXPECT_TRUE(subscriber->next(10s));
  EXPECT_FALSE(subscriber->is_ended());
  EXPECT_TRUE(subscriber->next(10s));
  EXPECT_FALSE(subscriber->next(10s));
  EXPECT_TRUE(subscriber->is_ended());
}

}  // namespace
}  // namespace tracking::test
