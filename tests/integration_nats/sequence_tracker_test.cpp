// Numbers that are missing, and what is forgotten.
#include "nats/sequence_tracker.h"

#include <gtest/gtest.h>

namespace tracking::test {
namespace {

using nats_io::SequenceTracker;

TEST(SequenceTracker, CountsWhatIsMissingForEachProducerAndAccount) {
  SequenceTracker tracker;
  EXPECT_EQ(tracker.missing_before("a", 1, 7), 0u) << "the base line";
  EXPECT_EQ(tracker.missing_before("a", 1, 8), 0u);
  EXPECT_EQ(tracker.missing_before("a", 1, 11), 2u);
  EXPECT_EQ(tracker.missing_before("b", 1, 3), 0u);
  EXPECT_EQ(tracker.missing_before("a", 2, 3), 0u);
  EXPECT_EQ(tracker.missing_before("a", 1, 12), 0u);
}

TEST(SequenceTracker, RepeatsAndStepsBackMissNothing) {
  SequenceTracker tracker;
  tracker.missing_before("a", 1, 5);
  EXPECT_EQ(tracker.missing_before("a", 1, 5), 0u);
  EXPECT_EQ(tracker.missing_before("a", 1, 2), 0u);
  EXPECT_EQ(tracker.missing_before("a", 1, 6), 0u);
  EXPECT_EQ(tracker.missing_before("a", 1, UINT64_MAX), UINT64_MAX - 7);
}

TEST(SequenceTracker, IsBoundedAndForgetsTheOldest) {
  SequenceTracker tracker(1'000);
  for (AccountId id = 1; id <= 1'500; ++id) tracker.missing_before("a", id, 1);
  EXPECT_EQ(tracker.missing_before("a", 600, 3), 1u);
  EXPECT_EQ(tracker.missing_before("a", 1'400, 3), 1u);
  for (AccountId id = 2'000; id < 5'000; ++id) tracker.missing_before("a", id, 1);
  EXPECT_EQ(tracker.missing_before("a", 600, 9), 0u) << "forgotten: a new base line";
}

TEST(SequenceTracker, BeginsAnewWhenCleared) {
  SequenceTracker tracker;
  tracker.missing_before("a", 1, 5);
  tracker.clear();
  EXPECT_EQ(tracker.missing_before("a", 1, 9), 0u);
}

}  // namespace
}  // namespace tracking::test
