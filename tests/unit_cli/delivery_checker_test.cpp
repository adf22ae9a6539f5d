// What verify calls lost, repeated and reordered.
#include "verify/delivery_checker.h"

#include <gtest/gtest.h>

namespace tracking::cli {
namespace {

constexpr VerifyStream stream{.lane = 0, .account_id = 1};

// A checker that was given numbers, each with the sequence that its place gives it.
class DeliveryCheckerTest : public ::testing::Test {
 protected:
  void deliver(std::uint64_t number, bool is_sent_again = false, VerifyStream of = stream) {
    deliver_as(number, "p", ++sequence_, is_sent_again, of);
  }
  void deliver_as(std::uint64_t number, std::string_view producer, std::uint64_t sequence, bool is_sent_again = false,
                  VerifyStream of = stream) {
    checker_.event({.stream = of, .number = number, .is_sent_again = is_sent_again}, producer, sequence);
  }
  void deliver_range(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) deliver(number);
  }

  DeliveryChecker checker_;
  std::uint64_t sequence_ = 0;
};

TEST_F(DeliveryCheckerTest, AllInOrderIsNothingWrong) {
  deliver_range(1, 100);
  checker_.expect(stream, 100);
  const auto counts = checker_.counts();
  EXPECT_TRUE(checker_.is_complete());
  EXPECT_EQ(counts.received, 100u);
  EXPECT_EQ(counts.lost + counts.lost_announced + counts.repeated + counts.reordered + counts.altered, 0u);
}

TEST_F(DeliveryCheckerTest, MissingNumbersAreLost) {
  deliver(1);
  deliver_range(4, 5);
  checker_.expect(stream, 8);
  EXPECT_FALSE(checker_.is_complete());
  EXPECT_EQ(checker_.counts().lost, 5u);  // 2, 3 and 6, 7, 8
}

TEST_F(DeliveryCheckerTest, WhatIsMissingBehindAGapIsAnnounced) {
  deliver(1);
  checker_.gap({.reason = "disconnected"});
  deliver(4);
  deliver(6);
  checker_.expect(stream, 6);
  EXPECT_EQ(checker_.counts().lost_announced, 2u);
  EXPECT_EQ(checker_.counts().lost, 1u);
  EXPECT_EQ(checker_.counts().gaps_by_reason.at("disconnected"), 1u);
}

TEST_F(DeliveryCheckerTest, AGapAtTheEndAnnouncesTheRest) {
  deliver(1);
  checker_.gap({.reason = "disconnected"});
  checker_.expect(stream, 3);
  EXPECT_EQ(checker_.counts().lost_announced, 2u);
}

TEST_F(DeliveryCheckerTest, AGapBeforeTheFirstEventCountsForStreamsNotYetSeen) {
  checker_.gap({.reason = "disconnected"});
  deliver(3);
  EXPECT_EQ(checker_.counts().lost_announced, 2u);
  EXPECT_EQ(checker_.counts().lost, 0u);
}

TEST_F(DeliveryCheckerTest, AGapOfAnotherAccountAnnouncesNothing) {
  deliver(1);
  checker_.gap({.reason = "sequence", .missed = 5, .account_id = 3});
  deliver(3);
  EXPECT_EQ(checker_.counts().lost, 1u);
}

TEST_F(DeliveryCheckerTest, AGapStandsForNoMoreThanItSays) {
  deliver(1);
  checker_.gap({.reason = "slow-subscriber", .missed = 3});
  deliver(7);
  EXPECT_EQ(checker_.counts().lost_announced, 3u);
  EXPECT_EQ(checker_.counts().lost, 2u);
}

TEST_F(DeliveryCheckerTest, ASecondDeliveryIsARepeat) {
  deliver_range(1, 3);
  deliver_as(2, "p", 2);
  deliver(3, true);
  const auto counts = checker_.counts();
  EXPECT_EQ(counts.repeated, 2u);
  EXPECT_EQ(counts.repeated_resent, 1u);
  EXPECT_EQ(counts.reordered, 0u);
  EXPECT_EQ(counts.received, 3u);
}

TEST_F(DeliveryCheckerTest, AFirstAttemptBehindALaterNumberIsReordered) {
  deliver(2);
  deliver(1);
  EXPECT_EQ(checker_.counts().reordered, 1u);
  EXPECT_EQ(checker_.counts().lost, 0u);
}

TEST_F(DeliveryCheckerTest, OneThatWasSentAgainStandsWhereItsLastAttemptPutIt) {
  deliver(2);
  deliver(1, true);
  EXPECT_EQ(checker_.counts().reordered, 0u);
  EXPECT_EQ(checker_.counts().received, 2u);
}

TEST_F(DeliveryCheckerTest, ASequenceThatRunsBackwardIsReordered) {
  deliver_as(1, "p", 7);
  deliver_as(2, "p", 6);
  EXPECT_EQ(checker_.counts().reordered, 1u);
}

TEST_F(DeliveryCheckerTest, EveryProducerCountsByItself) {
  deliver_as(1, "p", 7);
  deliver_as(2, "q", 1);
  deliver_as(3, "p", 8);
  checker_.others_event(1, "q", 2);
  EXPECT_EQ(checker_.counts().reordered, 0u);
  checker_.others_event(1, "q", 1);
  EXPECT_EQ(checker_.counts().reordered, 1u);
}

TEST_F(DeliveryCheckerTest, WhatHadAnUnknownFateIsNeitherLostNorWrong) {
  deliver(1);
  deliver(4);
  checker_.expect(stream, 1);
  EXPECT_TRUE(checker_.is_complete());
  EXPECT_EQ(checker_.counts().lost, 0u);
}

TEST_F(DeliveryCheckerTest, StreamsAreComparedEachByItself) {
  const VerifyStream other{.lane = 1, .account_id = 1};
  deliver_range(1, 2);
  deliver(1, false, other);
  checker_.expect(stream, 2);
  EXPECT_TRUE(checker_.is_complete());
  checker_.expect(other, 2);
  EXPECT_FALSE(checker_.is_complete());
  EXPECT_EQ(checker_.streams_ended(), 2u);
  EXPECT_EQ(checker_.counts().lost, 1u);
}

TEST_F(DeliveryCheckerTest, HolesAreBoundedAndStayCounted) {
  for (std::uint64_t number = 2; number <= 60'000; number += 2) deliver(number);
  EXPECT_EQ(checker_.counts().lost, 30'000u);
  deliver(1);  // its hole was given up: there is no telling it from a repeat
  EXPECT_EQ(checker_.counts().repeated, 1u);
  EXPECT_FALSE(checker_.is_complete() && checker_.streams_ended() > 0);
}

TEST_F(DeliveryCheckerTest, AlteredDataIsCounted) {
  checker_.event({.stream = stream, .number = 1, .is_intact = false}, "p", 1);
  EXPECT_EQ(checker_.counts().altered, 1u);
}

}  // namespace
}  // namespace tracking::cli
