// Shutdown is a path with a deadline: everything pending is completed.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

TEST(Close, NothingIsTakenAfterwards) {
  RecordedService recorded;
  EXPECT_TRUE(recorded.service->close(1s));
  EXPECT_EQ(recorded.service->track({.account_id = 1, .data = "1"}).code(), Code::closed);
  EXPECT_FALSE(recorded.service->readiness().is_ready());
  EXPECT_TRUE(recorded.broker->lines().empty());
}

TEST(Close, WhatTheBrokerDoesNotCompleteIsInDoubtAtTheDeadline) {
  RecordedService recorded;
  recorded.broker->is_holding = true;
  const std::vector<Event> batch(3, Event{.account_id = 1, .data = "1"});
  Receipts receipts;
  recorded.service->track(batch, receipts.handler());
  EXPECT_EQ(recorded.service->close(20ms).code(), Code::timed_out);
  ASSERT_EQ(receipts.calls, 1);
  for (const Receipt& receipt : receipts.all) EXPECT_EQ(receipt.code, Code::in_doubt);
  // An answer that comes later is not told a second time, and finds its target alive.
  recorded.broker->take_held().all(AckLevel::sent);
  EXPECT_EQ(receipts.calls, 1);
}

TEST(Close, ABrokerThatOutlivesTheServiceMayStillAnswer) {
  auto broker = std::make_shared<RecordingBroker>();
  Receipts receipts;
  const Event event{.account_id = 1, .data = "1"};
  {
    RecordedService recorded;
    broker = recorded.broker;
    broker->is_holding = true;
    recorded.service->track(std::span(&event, 1), receipts.handler());
    recorded.service->close(1ms).ignore();
  }
  broker->take_held().all(AckLevel::sent);
  EXPECT_EQ(receipts.calls, 1);
}

// Who was answered may end the service: then the broker's thread is still on its way back from the handler.
TEST(Close, TheServiceMayEndAsSoonAsItsEventsAreAnswered) {
  const Event event{.account_id = 1, .data = "1"};
  for (int round = 0; round < 300; ++round) {
    std::thread answering;
    {
      RecordedService recorded;
      recorded.broker->is_holding = true;
      std::atomic<bool> is_answered{false};
      recorded.service->track(std::span(&event, 1), [&](std::span<const Receipt>) { is_answered = true; });
      answering = std::thread([broker = recorded.broker] { broker->take_held().all(AckLevel::sent); });
      while (!is_answered) std::this_thread::yield();
    }
    answering.join();
  }
}

TEST(Close, IsIdempotent) {
  RecordedService recorded;
  EXPECT_TRUE(recorded.service->close(1s));
  EXPECT_TRUE(recorded.service->close(1s));
}

TEST(Close, EventsThatWaitForTheirAccountAreHandedBack) {
  auto faults = std::make_shared<testing::Faults>();
  auto accounts = std::make_unique<testing::FaultyRepository>(
      Backends().open_accounts({.url = BackendUrl::parse("memory:?active=1").value()}).value(), faults);
  auto service = TrackingService::open(std::move(accounts), "memory:").value();
  faults->hold();
  const Event event{.account_id = 1, .data = "1"};
  Receipts receipts;
  service->track(std::span(&event, 1), receipts.handler());
  EXPECT_EQ(receipts.calls, 0);
  std::thread closer([&] { service->close(50ms).ignore(); });
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (service->stats().events_parked > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  faults->release();
  closer.join();
  ASSERT_EQ(receipts.calls, 1);
  EXPECT_NE(receipts.all[0].code, Code::ok);
}

TEST(Close, SubscriptionsEnd) {
  auto service = TrackingService::open({.accounts = "memory:?active=1"}).value();
  auto subscriber = service->subscribe().value();
  ASSERT_TRUE(service->track({.account_id = 1, .data = "1"}));
  service->close(1s).ignore();
  EXPECT_TRUE(subscriber->next(10s)) << "what was accepted is delivered";
  EXPECT_FALSE(subscriber->next());
  EXPECT_TRUE(subscriber->is_ended());
}

}  // namespace
}  // namespace tracking::test
