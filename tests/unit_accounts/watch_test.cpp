// How changes come into force: TTL, watch, administration.
#include <numeric>

#include "unit_accounts/support.h"

namespace tracking::engine {
namespace {

class AccountChanges : public DirectoryTest {
 protected:
  bool becomes(AccountId id, AccountAnswer answer) {
    return eventually([&] { return directory_->find(id) == answer; });
  }
};

TEST_F(AccountChanges, WithoutAWatchHoldAfterTheTtl) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  script_->set(1, AccountState::inactive);
  pass(4s);
  EXPECT_EQ(directory_->find(1), AccountAnswer::active);
  EXPECT_EQ(script_->query_count(), 1U) << "in the first half of its time an answer is not read again";
  pass(10s);
  EXPECT_EQ(directory_->find(1), AccountAnswer::must_wait);
  EXPECT_EQ(ask(1), AccountAnswer::inactive);
}

TEST_F(AccountChanges, AnswersInUseAreReadAgainBeforeTheirTtlEnds) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(2), AccountAnswer::active);
  script_->set(1, AccountState::inactive);
  pass(6s);
  for (int i = 0; i < 100; ++i) EXPECT_NE(directory_->find(1), AccountAnswer::must_wait) << "an event was made to wait";
  EXPECT_TRUE(becomes(1, AccountAnswer::inactive));
  EXPECT_EQ(script_->query_count(), 3U) << "once, and not for the one that nobody uses";
  pass(6s);
  EXPECT_EQ(directory_->find(1), AccountAnswer::inactive);
  EXPECT_EQ(directory_->find(2), AccountAnswer::must_wait);
}

TEST_F(AccountChanges, WatchedAnswersOutliveTheTtl) {
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(77), AccountAnswer::unknown);
  pass(24h);
  EXPECT_EQ(directory_->find(1), AccountAnswer::active);
  EXPECT_EQ(directory_->find(77), AccountAnswer::unknown);
  EXPECT_EQ(script_->query_count(), 2U);
}

TEST_F(AccountChanges, AnAccountThatIsToldToHaveChangedIsReadAgain) {
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(2), AccountAnswer::active);
  EXPECT_EQ(ask(77), AccountAnswer::unknown);
  script_->set(1, AccountState::inactive);
  script_->set(77, AccountState::active);
  script_->tell({1, 77, 5});
  EXPECT_TRUE(becomes(1, AccountAnswer::inactive));
  EXPECT_TRUE(becomes(77, AccountAnswer::active));
  EXPECT_EQ(directory_->find(2), AccountAnswer::active);
  EXPECT_EQ(stats().account_changes, 2U);
  EXPECT_EQ(directory_->find(5), AccountAnswer::must_wait) << "nobody had asked for it";
}

TEST_F(AccountChanges, WhenAnythingMayHaveChangedAnswersInUseAreReadAgainAndOthersForgotten) {
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(2), AccountAnswer::active);
  script_->set(1, AccountState::inactive);
  script_->set(2, AccountState::inactive);
  script_->tell({});
  EXPECT_TRUE(eventually([&] {
    const AccountAnswer answer = directory_->find(1);
    EXPECT_NE(answer, AccountAnswer::must_wait) << "an event was made to wait";
    return answer == AccountAnswer::inactive;
  }));
  pass(1300ms);
  EXPECT_EQ(directory_->find(2), AccountAnswer::must_wait);
  EXPECT_EQ(ask(2), AccountAnswer::inactive);
  EXPECT_EQ(stats().account_changes, 2U);
}

TEST_F(AccountChanges, HoldEvenIfSomethingChangesAllTheTime) {
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  script_->set(1, AccountState::inactive);
  script_->fail_with(Code::ok);
  std::atomic<bool> is_done = false;
  std::thread changes([&] {
    while (!is_done) {
      script_->tell({});
      clock_.advance(20ms);
      std::this_thread::sleep_for(1ms);
    }
  });
  EXPECT_TRUE(eventually([&] { return ask(1) == AccountAnswer::inactive; }));
  is_done = true;
  changes.join();
}

TEST_F(AccountChanges, WhenTheWatchIsLostTheTtlCountsFromThen) {
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  pass(1h);
  ASSERT_TRUE(script_->wait_for_watch());
  script_->set_watch(AccountWatch::lost);
  ASSERT_TRUE(script_->wait_for_watch());
  script_->set(1, AccountState::inactive);
  pass(4s);
  EXPECT_EQ(directory_->find(1), AccountAnswer::active);
  pass(7s);
  EXPECT_EQ(ask(1), AccountAnswer::inactive);
}

TEST_F(AccountChanges, WhenTheWatchComesBackEverythingIsReadAgain) {
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  script_->set_watch(AccountWatch::lost);
  ASSERT_TRUE(script_->wait_for_watch());
  script_->set(1, AccountState::inactive);  // nobody tells
  script_->set_watch(AccountWatch::quiet);
  EXPECT_TRUE(becomes(1, AccountAnswer::inactive));
}

TEST_F(AccountChanges, MadeHereAreInForceAtOnce) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  ASSERT_TRUE(directory_->change(1, {.is_active = false}));
  EXPECT_EQ(ask(1), AccountAnswer::inactive);
  ASSERT_TRUE(directory_->remove(1));
  EXPECT_EQ(ask(1), AccountAnswer::unknown);
  ASSERT_TRUE(directory_->add({1, "back", true}));
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(stats().account_changes, 3U);
}

TEST_F(AccountChanges, AnAnswerOvertakenByAChangeIsNotUsed) {
  open();
  script_->hold(true);
  NotingTarget target;
  target.park(*directory_, 1);
  ASSERT_TRUE(script_->wait_for_queries(1));  // it will say: active
  ASSERT_TRUE(directory_->change(1, {.is_active = false}));
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::must_wait);
  script_->hold(false);
  ASSERT_TRUE(target.wait_for(2));
  EXPECT_EQ(target.answers().at(1).second, AccountAnswer::inactive);
  EXPECT_TRUE(becomes(1, AccountAnswer::inactive));
}

TEST_F(AccountChanges, AChangeTakesLittleTimeAndThatIsMeasured) {
  options_.clock = &Clock::system();
  open_watched();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  script_->set(1, AccountState::inactive);
  const auto start = std::chrono::steady_clock::now();
  script_->tell({1});
  EXPECT_TRUE(becomes(1, AccountAnswer::inactive));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_EQ(stats().account_changes, 1U);
  const AccountChangeDelays delays = stats().account_change_delays;
  EXPECT_GT(delays.total, 0us);
  EXPECT_LT(delays.total, 1s);
  const auto within_a_second = std::accumulate(delays.counts.begin(), delays.counts.end() - 2, std::uint64_t{0});
  EXPECT_EQ(within_a_second, 1U);
}

TEST_F(AccountChanges, AdministrationChecksWhatItIsGiven) {
  open();
  const std::string longest(200, 'x');
  EXPECT_EQ(directory_->add({0, "zero", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->add({-1, "negative", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->add({10, "", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->add({10, longest + "x", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->add({10, "tab\tbed", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->add({10, "\xff", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->change(10, {.name = ""}).code(), Code::invalid_parameter);
  EXPECT_TRUE(directory_->add({10, longest, true}));
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "ü";
  EXPECT_TRUE(directory_->add({11, umlauts, true}));
  EXPECT_EQ(directory_->get(0).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->remove(-5).code(), Code::invalid_parameter);
  EXPECT_EQ(directory_->list(0, 10).code(), Code::unsupported);
}

}  // namespace
}  // namespace tracking::engine
