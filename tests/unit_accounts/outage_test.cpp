// A repository that fails, hangs, and comes back.
#include "unit_accounts/support.h"

namespace tracking::engine {
namespace {

class AccountOutage : public DirectoryTest {
 protected:
  /// Asks for an account nobody has asked for yet, until the repository is known to be down.
  void lose() {
    script_->fail_with(Code::accounts_unavailable);
    EXPECT_EQ(ask(5), AccountAnswer::unavailable);
    EXPECT_FALSE(directory_->health());
  }
};

TEST_F(AccountOutage, UnknownAccountsAreUnavailableAtOnce) {
  open();
  lose();
  const std::size_t queries = script_->query_count();
  NotingTarget target;
  EXPECT_EQ(target.park(*directory_, 6), AccountAnswer::unavailable);
  EXPECT_EQ(target.park(*directory_, 600), AccountAnswer::unavailable);
  EXPECT_EQ(script_->query_count(), queries) << "nobody is asked while it is known to be down";
  EXPECT_EQ(stats().lookups_failed, 3U);
  EXPECT_EQ(directory_->health().code(), Code::accounts_unavailable);
}

TEST_F(AccountOutage, KnownAnswersHoldUpToTheStaleLimit) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(9), AccountAnswer::inactive);
  EXPECT_EQ(ask(77), AccountAnswer::unknown);
  lose();
  pass(4min);
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_EQ(ask(9), AccountAnswer::inactive);
  EXPECT_EQ(ask(77), AccountAnswer::unknown);
  EXPECT_EQ(stats().lookups_stale, 3U);
  {
    BatchLookups lookups(*directory_);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(lookups.find(1), AccountAnswer::active);
  }
  EXPECT_EQ(stats().lookups_stale, 8U) << "each of a batch";
  pass(2min);
  EXPECT_EQ(ask(1), AccountAnswer::unavailable);
  EXPECT_EQ(ask(9), AccountAnswer::unavailable);
  EXPECT_EQ(ask(77), AccountAnswer::unavailable);
}

TEST_F(AccountOutage, EventsThatWaitWhenItFailsGetWhatWasKnown) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  pass(20s);
  EXPECT_EQ(directory_->find(1), AccountAnswer::must_wait) << "older than the TTL";
  script_->fail_with(Code::accounts_unavailable);
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_GE(stats().lookups_stale, 1U);
  EXPECT_EQ(ask(1), AccountAnswer::active);
}

TEST_F(AccountOutage, WhatIsQueuedWhenAQueryFailsIsRefusedWithIt) {
  open();
  script_->hold(true);
  script_->fail_with(Code::accounts_unavailable);
  NotingTarget target;
  target.park(*directory_, 1);
  ASSERT_TRUE(script_->wait_for_queries(1));
  for (AccountId id = 2; id <= 9; ++id) target.park(*directory_, id);
  script_->hold(false);
  ASSERT_TRUE(target.wait_for(9));
  for (const auto& [id, answer] : target.answers()) EXPECT_EQ(answer, AccountAnswer::unavailable);
  EXPECT_EQ(script_->query_count(), 1U);
}

TEST_F(AccountOutage, RecoversWithinASecond) {
  open();
  lose();
  script_->fail_with(Code::ok);
  EXPECT_FALSE(directory_->health());
  clock_.advance(1s);
  EXPECT_TRUE(eventually([&] { return directory_->health().is_ok(); }));
  EXPECT_EQ(ask(6), AccountAnswer::active);
}

TEST_F(AccountOutage, RecoversWithinASecondOfRealTime) {
  options_.clock = &Clock::system();
  open();
  lose();
  script_->fail_with(Code::ok);
  EXPECT_TRUE(eventually([&] { return directory_->health().is_ok(); }, 2s));
}

TEST_F(AccountOutage, IsNoticedWithoutAnyEvent) {
  open();
  script_->fail_with(Code::accounts_unavailable);
  clock_.advance(1s);
  EXPECT_TRUE(eventually([&] { return !directory_->health(); }));
  EXPECT_EQ(directory_->health().message(), "scripted");
}

TEST_F(AccountOutage, AnsweringPingsAloneDoNotMakeItWellAgain) {
  class Lookups final : public AccountRepository {
   public:
    Status find(std::span<const AccountId>, std::span<AccountState>) noexcept override {
      ++calls;
      return {Code::accounts_unavailable, "no table"};
    }
    std::atomic<int> calls{0};
  };
  auto repository = std::make_shared<Lookups>();
  directory_ = std::make_unique<AccountDirectory>(repository, options_);
  EXPECT_EQ(ask(1), AccountAnswer::unavailable);
  const int calls = repository->calls;
  clock_.advance(1s);
  EXPECT_TRUE(eventually([&] { return repository->calls > calls; }));
  EXPECT_FALSE(directory_->health());
}

TEST_F(AccountOutage, ARepositoryThatHangsHoldsNobodyForLong) {
  options_.account_lookup_threads = 2;
  real_ = &Clock::system();
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  script_->hold(true);
  NotingTarget target;
  const auto start = std::chrono::steady_clock::now();
  target.park(*directory_, 2);
  ASSERT_TRUE(target.wait_for(1));
  EXPECT_EQ(target.answers().at(0).second, AccountAnswer::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(target.park(*directory_, 3), AccountAnswer::unavailable);
  // Right behind one that is still being handed back it is parked, and handed back with it.
  EXPECT_TRUE(eventually([&] { return target.park(*directory_, 2) == AccountAnswer::unavailable; }));
  EXPECT_EQ(directory_->find(1), AccountAnswer::active);
  EXPECT_FALSE(directory_->health());
}

TEST_F(AccountOutage, NoEventOvertakesThoseThatAreAnsweredFromWhatWasKnown) {
  real_ = &Clock::system();
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  pass(20s);
  script_->hold(true);
  NotingTarget target;
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::must_wait);
  target.hold(true);
  ASSERT_TRUE(target.wait_until_inside());  // the query hangs: what was known before is the answer
  EXPECT_EQ(directory_->find(1), AccountAnswer::must_wait);
  EXPECT_EQ(target.park(*directory_, 1), AccountAnswer::must_wait);
  target.hold(false);
  ASSERT_TRUE(target.wait_for(2));
  EXPECT_TRUE(eventually([&] { return directory_->find(1) == AccountAnswer::active; }));
}

TEST_F(AccountOutage, AnAnswerThatComesLateIsRememberedAllTheSame) {
  real_ = &Clock::system();
  open();
  script_->hold(true);
  NotingTarget target;
  target.park(*directory_, 2);
  ASSERT_TRUE(target.wait_for(1));
  EXPECT_EQ(target.answers().at(0).second, AccountAnswer::unavailable);
  script_->hold(false);
  EXPECT_TRUE(eventually([&] { return directory_->find(2) == AccountAnswer::active; }));
  EXPECT_TRUE(directory_->health());
  EXPECT_EQ(script_->query_count(), 1U);
}

TEST_F(AccountOutage, AfterAnAnswerThatCameLateTheAccountIsAskedForAgain) {
  real_ = &Clock::system();
  open();
  script_->hold(true);
  EXPECT_EQ(ask(4), AccountAnswer::unavailable) << "given up";
  script_->hold(false);
  ASSERT_TRUE(eventually([&] { return directory_->find(4) == AccountAnswer::active; }));
  script_->set(4, AccountState::inactive);
  pass(20s);
  EXPECT_EQ(ask(4), AccountAnswer::inactive);
}

TEST_F(AccountOutage, AChangeMadeHereHoldsThoughTheRepositoryFailsRightAfterIt) {
  open();
  ASSERT_EQ(ask(1), AccountAnswer::active);
  ASSERT_EQ(ask(9), AccountAnswer::inactive);
  ASSERT_EQ(ask(3), AccountAnswer::active);
  script_->hold(true);  // no query that the changes cause is answered any more
  ASSERT_TRUE(directory_->change(1, {.is_active = false}));
  ASSERT_TRUE(directory_->change(9, {.is_active = true}));
  ASSERT_TRUE(directory_->remove(3));
  script_->fail_with(Code::accounts_unavailable);
  script_->hold(false);
  lose();
  EXPECT_EQ(ask(1), AccountAnswer::inactive);
  EXPECT_EQ(ask(9), AccountAnswer::active);
  EXPECT_EQ(ask(3), AccountAnswer::unknown);
}

TEST_F(AccountOutage, AfterItAnswersInUseAreReadAgainWithoutWaiting) {
  open();
  EXPECT_EQ(ask(1), AccountAnswer::active);
  lose();
  pass(1min);
  script_->set(1, AccountState::inactive);
  script_->fail_with(Code::ok);
  ASSERT_TRUE(eventually([&] {
    clock_.advance(1ms);
    return directory_->health().is_ok();
  }));
  EXPECT_EQ(directory_->find(1), AccountAnswer::active) << "made to wait";
  EXPECT_TRUE(eventually([&] { return directory_->find(1) == AccountAnswer::inactive; }));
}

}  // namespace
}  // namespace tracking::engine
