// The idempotency key is (account_id, id).
#include <gtest/gtest.h>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

TEST(Duplicates, ARepeatIsAnsweredLikeTheFirstAndNotDeliveredAgain) {
  RecordedService recorded;
  const Receipt first = recorded.service->track({.account_id = 1, .data = "1", .id = "a"}).value();
  const Receipt again = recorded.service->track({.account_id = 1, .data = "2", .id = "a"}).value();
  EXPECT_FALSE(first.duplicate);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.timestamp, first.timestamp);
  EXPECT_EQ(again.id.view(), "a");
  EXPECT_EQ(recorded.broker->lines().size(), 1u);
  EXPECT_EQ(recorded.service->stats().duplicates, 1u);
}

TEST(Duplicates, AnotherAccountsIdIsAnotherKey) {
  RecordedService recorded;
  EXPECT_FALSE(recorded.service->track({.account_id = 1, .data = "1", .id = "a"}).value().duplicate);
  EXPECT_FALSE(recorded.service->track({.account_id = 3, .data = "1", .id = "a"}).value().duplicate);
}

TEST(Duplicates, AreFoundWithinABatch) {
  RecordedService recorded;
  const std::vector<Event> batch{{.account_id = 1, .data = "1", .id = "a"},
                                 {.account_id = 1, .data = "1", .id = "b"},
                                 {.account_id = 1, .data = "1", .id = "a"}};
  const auto receipts = recorded.service->track(batch);
  EXPECT_FALSE(receipts[0].duplicate);
  EXPECT_FALSE(receipts[1].duplicate);
  EXPECT_TRUE(receipts[2].duplicate);
  EXPECT_EQ(receipts[2].code, Code::ok);
  EXPECT_EQ(recorded.broker->lines().size(), 2u);
}

TEST(Duplicates, AnIdThatTheServiceGaveIsRecognisedToo) {
  RecordedService recorded;
  const Receipt first = recorded.service->track({.account_id = 1, .data = "1"}).value();
  const Receipt again = recorded.service->track({.account_id = 1, .data = "1", .id = first.id.view()}).value();
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.timestamp, first.timestamp);
  EXPECT_FALSE(recorded.service->track({.account_id = 3, .data = "1", .id = first.id.view()}).value().duplicate);
}

TEST(Duplicates, AreForgottenAfterTheWindow) {
  testing::ManualClock clock;
  RecordedService recorded({.duplicate_window = 120s, .clock = &clock});
  const Receipt given = recorded.service->track({.account_id = 1, .data = "1"}).value();
  recorded.service->track({.account_id = 1, .data = "1", .id = "a"}).value();
  clock.advance(120s);
  EXPECT_TRUE(recorded.service->track({.account_id = 1, .data = "1", .id = "a"}).value().duplicate);
  EXPECT_TRUE(recorded.service->track({.account_id = 1, .data = "1", .id = given.id.view()}).value().duplicate);
  clock.advance(1s);
  EXPECT_FALSE(recorded.service->track({.account_id = 1, .data = "1", .id = "a"}).value().duplicate);
  EXPECT_FALSE(recorded.service->track({.account_id = 1, .data = "1", .id = given.id.view()}).value().duplicate);
}

TEST(Duplicates, ARepeatWhileTheFirstIsPendingGetsItsOutcome) {
  for (const Code outcome : {Code::ok, Code::broker_unavailable, Code::in_doubt}) {
    RecordedService recorded;
    recorded.broker->is_holding = true;
    const Event event{.account_id = 1, .data = "1", .id = "a"};
    Receipts first;
    Receipts repeat;
    recorded.service->track(std::span(&event, 1), first.handler());
    recorded.service->track(std::span(&event, 1), repeat.handler());
    EXPECT_EQ(repeat.calls, 0);
    EXPECT_EQ(recorded.broker->held(), 1u) << "the repeat is not published";
    Completion done = recorded.broker->take_held();
    outcome == Code::ok ? done.all(AckLevel::sent) : done.all(outcome);
    ASSERT_EQ(first.calls, 1);
    ASSERT_EQ(repeat.calls, 1);
    EXPECT_EQ(first.all[0].code, outcome);
    EXPECT_EQ(repeat.all[0].code, outcome);
    EXPECT_EQ(repeat.all[0].duplicate, outcome == Code::ok);
  }
}

TEST(Duplicates, RefusedFailedAndDoubtfulOnesMayBeRepeated) {
  for (const Code outcome : {Code::broker_unavailable, Code::overloaded, Code::in_doubt}) {
    RecordedService recorded;
    recorded.broker->is_holding = true;
    const Event event{.account_id = 1, .data = "1", .id = "a"};
    Receipts first;
    recorded.service->track(std::span(&event, 1), first.handler());
    recorded.broker->take_held().all(outcome);
    recorded.broker->is_holding = false;
    EXPECT_FALSE(recorded.service->track(event).value().duplicate);
  }
}

// The id that the service gave to an event of account 1 of which the broker did not say what became.
EventId leave_in_doubt(RecordedService& recorded) {
  recorded.broker->is_holding = true;
  const Event event{.account_id = 1, .data = "1"};
  Receipts receipts;
  recorded.service->track(std::span(&event, 1), receipts.handler());
  recorded.broker->take_held().all(Code::in_doubt);
  recorded.broker->is_holding = false;
  return receipts.all[0].id;
}

TEST(Duplicates, ARefusedEventIsGivenNoIdThatARepeatCouldBeTakenFor) {
  RecordedService recorded;
  recorded.broker->is_holding = true;
  Receipts receipts;
  const std::vector<Event> batch{{.account_id = 1, .data = "1"}, {.account_id = 1, .data = "2", .id = "a"}};
  recorded.service->track(batch, receipts.handler());
  recorded.broker->take_held().all(Code::broker_unavailable);
  ASSERT_EQ(receipts.all.size(), 2u);
  for (const Receipt& receipt : receipts.all) {
    EXPECT_EQ(receipt.code, Code::broker_unavailable);
    EXPECT_TRUE(receipt.id.empty()) << receipt.id.view();
    EXPECT_EQ(receipt.timestamp, Timestamp());
  }
}

TEST(Duplicates, ADoubtfulEventIsRepeatedWithTheIdThatItWasGiven) {
  RecordedService recorded;
  const EventId id = leave_in_doubt(recorded);
  const Event again{.account_id = 1, .data = "1", .id = id.view()};
  EXPECT_FALSE(recorded.service->track(again).value().duplicate) << "whether it was stored is not known here";
  EXPECT_TRUE(recorded.service->track(again).value().duplicate);
  EXPECT_EQ(recorded.broker->lines().size(), 2u);
}

TEST(Duplicates, ADoubtfulEventIsNotForgottenBecauseManyOthersCame) {
  constexpr std::size_t keys_max = 160;
  RecordedService recorded({.duplicate_keys_max = keys_max});
  const EventId id = leave_in_doubt(recorded);
  for (std::size_t i = 0; i < 20 * keys_max; ++i) {
    const std::string other = std::to_string(i);
    ASSERT_TRUE(recorded.service->track({.account_id = 1, .data = "1", .id = other}));
  }
  const Event again{.account_id = 1, .data = "1", .id = id.view()};
  EXPECT_FALSE(recorded.service->track(again).value().duplicate) << "whether it was stored is not known here";
}

TEST(Duplicates, TheLastKeysAreRememberedAndNoMoreThanTwiceAsMany) {
  constexpr std::size_t keys_max = 1'600;
  RecordedService recorded({.duplicate_keys_max = keys_max});
  const auto track = [&](std::size_t number) {
    const std::string id = std::to_string(number);
    return recorded.service->track({.account_id = 1, .data = "1", .id = id}).value().duplicate;
  };
  for (std::size_t i = 0; i < 10 * keys_max; ++i) EXPECT_FALSE(track(i));
  // So few keys spread unevenly over the shards: half of them is what is certain in every run.
  for (std::size_t i = 10 * keys_max - keys_max / 2; i < 10 * keys_max; ++i) EXPECT_TRUE(track(i)) << i;
  EXPECT_FALSE(track(0));
}

}  // namespace
}  // namespace tracking::test
