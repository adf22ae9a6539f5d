// The rule that says when a remembered answer may be used.
#include "engine/account_freshness.h"

#include <gtest/gtest.h>

namespace tracking::engine {
namespace {

using namespace std::chrono_literals;

class Rule : public ::testing::Test {
 protected:
  Freshness judge(Ticks verified, bool is_doubted = false) {
    return rule_.judge({.state = AccountState::active, .verified = verified, .is_doubted = is_doubted});
  }
  AccountFreshness rule_{10s, 5min};
};

TEST_F(Rule, WithoutAWatchAnswersAgeAndExpire) {
  rule_.update(100'000);
  EXPECT_EQ(judge(100'000), Freshness::fresh);
  EXPECT_EQ(judge(95'000), Freshness::fresh);
  EXPECT_EQ(judge(94'999), Freshness::ageing);
  EXPECT_EQ(judge(90'000), Freshness::ageing);
  EXPECT_EQ(judge(89'999), Freshness::useless);
}

TEST_F(Rule, WatchedAnswersDoNotAge) {
  rule_.watch_alive(1000);
  rule_.update(10'000'000);
  EXPECT_EQ(judge(1002), Freshness::fresh);
}

TEST_F(Rule, ADoubtLeavesTimeToReadAgain) {
  rule_.watch_alive(1000);
  rule_.doubt_all(5000);
  EXPECT_EQ(judge(5000), Freshness::ageing);
  EXPECT_EQ(judge(5001), Freshness::fresh);
  rule_.update(5249);
  EXPECT_EQ(judge(5000), Freshness::ageing);
  rule_.update(5251);
  rule_.update(5501);
  EXPECT_EQ(judge(5000), Freshness::useless);
  EXPECT_EQ(judge(5001), Freshness::fresh);
}

TEST_F(Rule, DoubtAfterDoubtEndsTheGraceAllTheSame) {
  rule_.watch_alive(1000);
  for (Ticks now = 5000; now <= 6000; now += 50) rule_.doubt_all(now);
  EXPECT_EQ(judge(5400), Freshness::useless);
}

TEST_F(Rule, ALostRepositoryMakesAnswersStaleUpToTheLimit) {
  rule_.repository_lost();
  rule_.update(400'000);
  EXPECT_EQ(judge(400'000), Freshness::fresh);
  EXPECT_EQ(judge(100'000), Freshness::stale);
  EXPECT_EQ(judge(99'999), Freshness::useless);
  EXPECT_EQ(judge(390'000, true), Freshness::stale);
  rule_.repository_answers(400'001);
  EXPECT_EQ(judge(100'000), Freshness::stale) << "for a moment more, to be read again";
  EXPECT_EQ(judge(390'000, true), Freshness::useless) << "known to have changed";
  rule_.update(400'251);
  EXPECT_EQ(judge(110'000), Freshness::useless);
}

TEST_F(Rule, LimitsNeverGoBack) {
  rule_.update(100'000);
  EXPECT_EQ(judge(85'000), Freshness::useless);
  rule_.watch_alive(100'001);
  EXPECT_EQ(judge(85'000), Freshness::useless);
  EXPECT_EQ(judge(99'000), Freshness::ageing);
}

TEST_F(Rule, TimeMovesOnWithEachDoubtEvenIfTheClockDoesNot) {
  const Ticks before = rule_.now(5s);
  rule_.doubt_all(before);
  EXPECT_GT(rule_.now(5s), before);
  EXPECT_EQ(judge(before), Freshness::ageing);
  EXPECT_EQ(judge(rule_.now(5s)), Freshness::fresh);
}

}  // namespace
}  // namespace tracking::engine
