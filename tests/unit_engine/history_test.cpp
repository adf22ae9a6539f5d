// The bounds of the memory broker's history.
#include <gtest/gtest.h>

#include "memory/memory_broker.h"
#include "unit_engine/support.h"

namespace tracking::test {
namespace {

// History of 1 MiB, and twenty times as many events as it holds.
struct History : ::testing::Test {
  static constexpr std::size_t history_bytes = 1 << 20;
  static constexpr int events = 20'000;

  History() {
    event = {.account_id = 1, .data = Data::trusted(data)};
    first = service->track(event).value();
    opening = service->subscribe().value()->cursor();
    for (int i = 1; i < events; ++i) last = service->track(event).value();
  }
  const std::string data = '"' + std::string(900, 'x') + '"';
  Event event;
  Receipt first;
  Receipt last;
  std::string opening;
  testing::ManualClock clock;
  std::unique_ptr<TrackingService> service =
      TrackingService::open(std::make_unique<FixedAccounts>(), memory::make_memory_broker(history_bytes, clock))
          .value();
};

TEST_F(History, IsBounded) {
  const auto stats = service->stats().broker;
  EXPECT_GE(stats.history_bytes, history_bytes);
  EXPECT_LE(stats.history_bytes, history_bytes + (512 << 10));
  EXPECT_LT(stats.history_events, 2'000u);
}

TEST_F(History, ACursorThatIsNoLongerHeldIsAGapWithTheNumberOfEvents) {
  auto subscriber = service->subscribe({.since = opening, .follow = false}).value();
  const auto gap = subscriber->next();
  ASSERT_TRUE(gap && gap->gap());
  EXPECT_EQ(gap->gap()->reason, gap_reason::expired);
  std::uint64_t received = 0;
  while (auto delivery = subscriber->next()) received += delivery->event() != nullptr;
  EXPECT_EQ(gap->gap()->missed.value() + received + 1, static_cast<std::uint64_t>(events));
}

TEST_F(History, ATimeBeforeWhatIsHeldIsAGap) {
  auto subscriber = service->subscribe({.since = "1h", .follow = false}).value();
  static_cast<void>(subscriber);
  auto service_of_now = TrackingService::open(std::make_unique<FixedAccounts>(),
                                              memory::make_memory_broker(history_bytes, Clock::system()))
                            .value();
  for (int i = 0; i < events; ++i) ASSERT_TRUE(service_of_now->track(event));
  auto since_an_hour = service_of_now->subscribe({.since = "1h"}).value();
  EXPECT_EQ(since_an_hour->next(10s)->gap()->reason, gap_reason::expired);
  auto since_all = service_of_now->subscribe({.since = "all"}).value();
  EXPECT_TRUE(since_all->next(10s)->event()) << "all that is held is no gap";
}

TEST_F(History, AReaderOfHistoryThatIsOvertakenIsTold) {
  auto subscription = service->open_subscription({.since = "all"}, [] {}).value();
  Deliveries out;
  subscription->read(out, 10, 1 << 20);
  ASSERT_EQ(out.size(), 10u);
  const std::uint64_t before = parse_event_line(out[9].json)->sequence;
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(service->track(event));
  subscription->read(out, 10, 1 << 20);
  ASSERT_TRUE(out[0].gap);
  EXPECT_EQ(out[0].gap->reason, gap_reason::slow_subscriber);
  EXPECT_EQ(before + out[0].gap->missed.value() + 1, parse_event_line(out[1].json)->sequence);
}

TEST_F(History, AReaderOfOneAccountsHistoryIsToldEachTimeThatItIsOvertaken) {
  auto subscription = service->open_subscription({.account_ids = {3}, .since = "all"}, [] {}).value();
  Deliveries out;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(service->track({.account_id = i % 2 ? 1 : 3, .data = event.data}));
    subscription->read(out, 10, 1 << 20);
    ASSERT_TRUE(out[0].gap) << round;
    EXPECT_EQ(out[0].gap->reason, gap_reason::slow_subscriber);
  }
}

TEST_F(History, WhoResumesBeforeTheGapWasReadIsToldItAgain) {
  auto cut = service->open_subscription({.since = opening}, [] {}).value();
  auto resumed = service->open_subscription({.since = cut->cursor()}, [] {}).value();
  Deliveries out;
  for (Subscription* subscription : {cut.get(), resumed.get()}) {
    subscription->read(out, 10, 1 << 20);
    ASSERT_TRUE(out[0].gap);
    EXPECT_EQ(out[0].gap->reason, gap_reason::expired);
  }
}

TEST_F(History, AReaderThatIsOvertakenIsToldThoughItChangesItsAccounts) {
  auto subscription = service->open_subscription({.since = "all"}, [] {}).value();
  Deliveries out;
  subscription->read(out, 10, 1 << 20);
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(service->track(event));
  const AccountId accounts[] = {1};
  ASSERT_TRUE(subscription->set_accounts(accounts));
  subscription->read(out, 10, 1 << 20);
  ASSERT_TRUE(out[0].gap);
  EXPECT_EQ(out[0].gap->reason, gap_reason::slow_subscriber);
  EXPECT_FALSE(out[0].gap->missed) << "counted by which filter?";
}

TEST_F(History, WhatWasReadStaysWhileItIsHeld) {
  auto subscription = service->open_subscription({.since = "all"}, [] {}).value();
  Deliveries out;
  subscription->read(out, 1, 1 << 20);
  const std::string copy(out[0].json);
  for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(service->track({.account_id = 3, .data = R"("other")"}));
  subscription.reset();
  EXPECT_EQ(out[0].json, copy);
}

}  // namespace
}  // namespace tracking::test
