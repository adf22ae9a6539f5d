// Lookups: what is asked, how often, and in which order events get their answers.
#include "unit_accounts/support.h"

namespace tracking::engine {
namespace {

using Answers = std::vector<std::pair<AccountId, AccountAnswer>>;

class AccountLookup : public DirectoryTest {};

TEST_F(AccountLookup, AnAccountIsAskedForOnce) {
  open();
  EXPECT_EQ(directory_->find(1), AccountAnswer::must_wait);
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(9), AccountAnswer::inactive);
  EXPECT_EQ(ask(77), AccountAnswer::unknown);
  EXPECT_TRUE(eventually([&] { return directory_->find(77) == AccountAnswer::unknown; }));
  EXPECT_EQ(directory_->find(1), AccountAnswer::active);
  EXPECT_EQ(directory_->find(9), AccountAnswer::inactive);
  EXPECT_EQ(script_->query_count(), 3U);
  EXPECT_EQ(stats().accounts_cached, 3U);
  EXPECT_EQ(stats().lookups_missed, 3U);
}

TEST_F(AccountLookup, OfABatchEachEventIsCountedOnceWhateverItsNeighboursAre) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(9), AccountAnswer::inactive);
  const std::uint64_t hits = stats().lookups_hit;
  {
    BatchLookups lookups(*directory_);
    for (const AccountId id : {1, 1, 1, 9, 9, 1, 9}) {
      EXPECT_EQ(lookups.find(id), id == 1 ? AccountAnswer::active : AccountAnswer::inactive);
      EXPECT_EQ(lookups.find(5), AccountAnswer::must_wait);  // not remembered: it may be known the next time
    }
    for (int i = 0; i < 3; ++i) EXPECT_EQ(lookups.find(9), AccountAnswer::inactive);
  }
  EXPECT_EQ(stats().lookups_hit, hits + 10);
  EXPECT_EQ(stats().lookups_stale, 0U);
  BatchLookups later(*directory_);
  EXPECT_EQ(later.find(5), AccountAnswer::must_wait);
  EXPECT_EQ(ask(5), AccountAnswer::active);
  EXPECT_EQ(later.find(5), AccountAnswer::active);
}

TEST_F(AccountLookup, ManyEventsOfOneAccountCauseOneQuery) {
  open();
  script_->hold(true);
  NotingTarget target;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::must_wait);
  EXPECT_EQ(stats().events_parked, 100U);
  script_->hold(false);
  ASSERT_TRUE(target.wait_for(100));
  EXPECT_EQ(target.answers(), Answers(100, {1, AccountAnswer::active}));
  EXPECT_EQ(script_->query_count(), 1U);
}

TEST_F(AccountLookup, WhatIsParkedDuringAQueryGoesTogetherInTheNext) {
  open();
  script_->hold(true);
  NotingTarget target;
  target.park(*directory_, 1);
  ASSERT_TRUE(script_->wait_for_queries(1));
  for (AccountId id = 101; id <= 1600; ++id) target.park(*directory_, id);
  script_->hold(false);
  ASSERT_TRUE(target.wait_for(1501));
  EXPECT_EQ(script_->query_sizes(), (std::vector<std::size_t>{1, 1000, 500}));
}

TEST_F(AccountLookup, AnotherThreadHelpsWhenOneIsBusy) {
  options_.account_lookup_threads = 2;
  open();
  script_->hold(true);
  NotingTarget target;
  target.park(*directory_, 1);
  ASSERT_TRUE(script_->wait_for_queries(1));
  target.park(*directory_, 2);
  EXPECT_TRUE(script_->wait_for_queries(2)) << "the second query waits for the first";
  script_->hold(false);
  EXPECT_TRUE(target.wait_for(2));
}

TEST_F(AccountLookup, EventsAreHandedBackInOrderAndNoneOvertakesThem) {
  open();
  script_->hold(true);
  NotingTarget target;
  NotingTarget other;
  target.park(*directory_, 1);
  target.park(*directory_, 9);
  other.park(*directory_, 1);
  target.park(*directory_, 1);
  target.hold(true);
  script_->hold(false);
  ASSERT_TRUE(target.wait_until_inside());
  // The answer is there, but while events are being handed back later ones must queue up behind them.
  EXPECT_EQ(directory_->find(1), AccountAnswer::must_wait);
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::must_wait);
  EXPECT_EQ(directory_->find(1), AccountAnswer::must_wait);
  target.hold(false);
  ASSERT_TRUE(target.wait_for(4));
  EXPECT_TRUE(eventually([&] { return directory_->find(1) == AccountAnswer::active; }));
  EXPECT_EQ(other.answers(), Answers(1, {1, AccountAnswer::active}));
}

TEST_F(AccountLookup, MoreEventsThanMayWaitAreOverload) {
  options_.parked_events_max = 10;
  open();
  script_->hold(true);
  NotingTarget target;
  for (AccountId id = 1; id <= 10; ++id) EXPECT_EQ(target.park(*directory_, id), AccountAnswer::must_wait);
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::overloaded);
  EXPECT_EQ(target.park(*directory_, 11), AccountAnswer::overloaded);
  script_->hold(false);
  ASSERT_TRUE(target.wait_for(10));
  EXPECT_TRUE(eventually([&] { return stats().events_parked == 0; }));
  EXPECT_EQ(ask(11), AccountAnswer::unknown);
}

TEST_F(AccountLookup, AFloodOfUnknownIdsDrivesNoKnownAccountOut) {
  options_.account_cache_max = 1000;
  options_.parked_events_max = 1'000'000;
  open();
  for (AccountId id = 1; id <= 9; ++id) ask(id);
  NotingTarget target;
  constexpr int flood = 50'000;
  for (AccountId id = 0; id < flood; ++id) target.park(*directory_, 1'000'000 + id);
  ASSERT_TRUE(target.wait_for(flood));
  EXPECT_LE(stats().accounts_cached, 9U + 1000 / 16 + 1);
  for (AccountId id = 1; id <= 8; ++id) EXPECT_EQ(directory_->find(id), AccountAnswer::active) << id;
}

TEST_F(AccountLookup, ARepositoryWithoutSecondInstanceIsAskedByOneThread) {
  class Only final : public AccountRepository {
   public:
    Status find(std::span<const AccountId>, std::span<AccountState> states) noexcept override {
      EXPECT_FALSE(is_inside_.exchange(true));
      for (AccountState& state : states) state = AccountState::active;
      is_inside_ = false;
      return {};
    }
    Status remove(AccountId) noexcept override {
      EXPECT_FALSE(is_inside_.exchange(true));
      is_inside_ = false;
      return {};
    }

   private:
    std::atomic<bool> is_inside_{false};
  };
  directory_ = std::make_unique<AccountDirectory>(std::make_shared<Only>(), options_);
  NotingTarget target;
  for (AccountId id = 1; id <= 2000; ++id) {
    target.park(*directory_, id);
    if (id % 100 == 0) {
      EXPECT_TRUE(directory_->remove(id));
    }
  }
  EXPECT_TRUE(target.wait_for(2000));
}

TEST_F(AccountLookup, CloseHandsBackAllThatWaits) {
  open();
  script_->hold(true);
  NotingTarget target;
  for (AccountId id = 1; id <= 5; ++id) target.park(*directory_, id);
  ASSERT_TRUE(script_->wait_for_queries(1));
  std::thread closing([&] { directory_->close(); });
  ASSERT_TRUE(target.wait_for(5)) << "events waited for a query that hangs";
  for (const auto& [id, answer] : target.answers()) EXPECT_EQ(answer, AccountAnswer::closed);
  script_->hold(false);
  closing.join();
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::closed);
  EXPECT_EQ(directory_->add({1, "late", true}).code(), Code::closed);
  directory_->close();
}

TEST_F(AccountLookup, CloseDoesNotWaitForARepositoryThatHangs) {
  open();
  script_->hold(true);
  NotingTarget target;
  target.park(*directory_, 1);
  ASSERT_TRUE(script_->wait_for_queries(1));
  const auto start = std::chrono::steady_clock::now();
  directory_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 6s);
  EXPECT_TRUE(target.wait_for(1));
}

TEST_F(AccountLookup, CloseWaitsForEventsThatAreBeingHandedBack) {
  open();
  NotingTarget target;
  target.hold(true);
  target.park(*directory_, 1);
  ASSERT_TRUE(target.wait_until_inside());
  std::atomic<bool> is_closed = false;
  std::thread closing([&] {
    directory_->close();
    is_closed = true;
  });
  EXPECT_TRUE(eventually([&] { return target.park(*directory_, 2) == AccountAnswer::closed; }));
  EXPECT_FALSE(is_closed);
  target.hold(false);
  closing.join();
  EXPECT_EQ(target.answer_of(1), AccountAnswer::active);
}

TEST_F(AccountLookup, CloseHandsBackEventsWhoseAnswerWasOvertakenToo) {
  open();
  NotingTarget target;
  target.hold(true);
  target.park(*directory_, 1);
  ASSERT_TRUE(target.wait_until_inside());
  ASSERT_TRUE(directory_->change(1, {.is_active = false}));
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::must_wait);
  std::thread closing([&] { directory_->close(); });
  NotingTarget other;
  EXPECT_TRUE(eventually([&] { return other.park(*directory_, 2) == AccountAnswer::closed; }));
  target.hold(false);
  closing.join();
  EXPECT_EQ(target.answers().at(1).second, AccountAnswer::closed);
}

TEST_F(AccountLookup, StartAndCloseAreQuick) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    AccountDirectory directory(std::make_shared<ScriptedRepository>(script_), options_);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

}  // namespace
}  // namespace tracking::engine
