// A query that takes far too long, and is answered after all. Driven by hand: nothing here is a matter of chance.
#include "engine/account_lookups.h"
#include "unit_accounts/support.h"

namespace tracking::engine {
namespace {

class LateAnswer : public DirectoryTest {
 protected:
  using Handed = std::vector<AccountAnswer>;

  LateAnswer() { open_by_hand(); }
  ~LateAnswer() override { directory_->close(); }

  void open_by_hand() {
    directory_ = std::make_unique<AccountDirectory>(std::make_shared<ScriptedRepository>(script_), options_,
                                                    DirectoryDrive{.has_threads = false, .real = &clock_});
  }

  AccountLookups& lookups() { return directory_->lookups(); }
  /// Time goes by: the timekeeper and the watch are at work, and all other accounts are asked for and answered.
  void go_on(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 50ms) {
      clock_.advance(std::min<std::chrono::milliseconds>(time, 50ms));
      if (is_watched_) lookups().watched(AccountWatch::quiet, {});
      lookups().tick();
      others_.park(*directory_, ++other_);
      LookupQuery query;
      while (lookups().try_take(query)) answer(query, AccountState::active);
    }
  }
  LookupQuery take() {
    LookupQuery query;
    EXPECT_TRUE(lookups().try_take(query));
    EXPECT_EQ(query.count, 1U);
    EXPECT_FALSE(query.is_probe);
    return query;
  }
  void answer(const LookupQuery& query, AccountState state) {
    const std::vector<AccountState> states(query.count, state);
    lookups().answered(query, {}, states);
  }
  void fail(const LookupQuery& query) { lookups().answered(query, {Code::accounts_unavailable, "scripted"}, {}); }
  /// A query for account 1 that is under way since `time`, and that nobody waits for any more.
  LookupQuery hang(std::chrono::milliseconds time) {
    EXPECT_EQ(early_.park(*directory_, 1), AccountAnswer::must_wait);
    const LookupQuery query = take();
    go_on(time);
    EXPECT_EQ(handed(early_), Handed{AccountAnswer::unavailable}) << "not given up";
    return query;
  }
  /// An event of account 1 comes, and then the answer to `query`.
  void park_and_answer(const LookupQuery& query, AccountState state) {
    EXPECT_EQ(target_.park(*directory_, 1), AccountAnswer::must_wait);
    answer(query, state);
  }
  /// The event is still waiting, for another query.
  void expect_asked_again(AccountState state, AccountAnswer answer_expected) {
    ASSERT_EQ(handed(target_), Handed{}) << "the outdated answer was believed";
    answer(take(), state);
    EXPECT_EQ(handed(target_), Handed{answer_expected});
    EXPECT_EQ(directory_->find(1), answer_expected);
  }
  static Handed handed(NotingTarget& target) {
    Handed answers;
    for (const auto& [id, answer] : target.answers()) answers.push_back(answer);
    return answers;
  }

  NotingTarget early_;
  NotingTarget target_;
  NotingTarget others_;
  AccountId other_ = 1'000;
  bool is_watched_ = false;
};

TEST_F(LateAnswer, IsNotForEventsThatCameWhenItWasLongOutdated) {
  park_and_answer(hang(29s), AccountState::active);
  expect_asked_again(AccountState::inactive, AccountAnswer::inactive);
}

TEST_F(LateAnswer, RefusesNoEventThatCameWhenItWasLongOutdated) {
  park_and_answer(hang(29s), AccountState::inactive);
  expect_asked_again(AccountState::active, AccountAnswer::active);
}

TEST_F(LateAnswer, ThatThereWasNoSuchAccountIsOutdatedAsWell) {
  park_and_answer(hang(29s), AccountState::unknown);
  expect_asked_again(AccountState::active, AccountAnswer::active);
}

TEST_F(LateAnswer, OfAQueryThatNobodyWaitedForIsOutdatedAsWell) {
  ASSERT_EQ(early_.park(*directory_, 1), AccountAnswer::must_wait);
  answer(take(), AccountState::active);
  go_on(6s);  // in the second half of its time it is read again in the background
  ASSERT_EQ(directory_->find(1), AccountAnswer::active);
  const LookupQuery query = take();
  go_on(29s);
  park_and_answer(query, AccountState::active);
  expect_asked_again(AccountState::inactive, AccountAnswer::inactive);
}

TEST_F(LateAnswer, IsBelievedForAsLongAsOneThatIsRemembered) {
  park_and_answer(hang(10s), AccountState::inactive);
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::inactive});
  EXPECT_EQ(directory_->find(1), AccountAnswer::inactive);
}

TEST_F(LateAnswer, IsNotBelievedAMillisecondLater) {
  park_and_answer(hang(10'001ms), AccountState::inactive);
  expect_asked_again(AccountState::active, AccountAnswer::active);
}

TEST_F(LateAnswer, IsOutdatedThoughTheTimekeeperHasNotRunSince) {
  const LookupQuery query = hang(5s);
  clock_.advance(20s);  // the process stood still
  park_and_answer(query, AccountState::active);
  expect_asked_again(AccountState::inactive, AccountAnswer::inactive);
}

TEST_F(LateAnswer, OfBeforeSomethingChangedIsOutdatedWhenTheGraceIsOver) {
  is_watched_ = true;
  lookups().watched(AccountWatch::quiet, {});
  const LookupQuery query = hang(3s);
  lookups().watched(AccountWatch::all, {});
  go_on(300ms);
  park_and_answer(query, AccountState::active);
  expect_asked_again(AccountState::inactive, AccountAnswer::inactive);
}

TEST_F(LateAnswer, HoldsWhileNothingChangesThatIsWatched) {
  is_watched_ = true;
  lookups().watched(AccountWatch::quiet, {});
  park_and_answer(hang(29s), AccountState::inactive);
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::inactive});
}

TEST_F(LateAnswer, IsWhatIsKnownIfTheRepositoryThenFails) {
  park_and_answer(hang(29s), AccountState::inactive);
  ASSERT_EQ(handed(target_), Handed{});
  fail(take());
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::inactive});
}

TEST_F(LateAnswer, IsNotEvenThatWhenItIsOlderThanTheStaleLimit) {
  park_and_answer(hang(301s), AccountState::inactive);
  ASSERT_EQ(handed(target_), Handed{});
  fail(take());
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::unavailable});
}

/// Otherwise nobody would ever be answered where queries take longer than answers hold.
TEST_F(LateAnswer, IsNoneThatComesInGoodTimeHoweverShortTheTtl) {
  options_.account_ttl = 1ms;
  open_by_hand();
  ASSERT_EQ(target_.park(*directory_, 1), AccountAnswer::must_wait);
  const LookupQuery query = take();
  go_on(500ms);
  answer(query, AccountState::active);
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::active});
}

/// In the millisecond in which it was asked for, the account was changed here.
TEST_F(LateAnswer, IsNotWhatIsKnownIfAChangeWasMadeHereInTheMomentOfItsQuestion) {
  ASSERT_EQ(early_.park(*directory_, 1), AccountAnswer::must_wait);
  const LookupQuery query = take();
  ASSERT_TRUE(directory_->change(1, {.is_active = false}));
  go_on(11s);
  EXPECT_EQ(handed(early_), Handed{AccountAnswer::inactive});
  park_and_answer(query, AccountState::active);
  ASSERT_EQ(handed(target_), Handed{});
  fail(take());
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::inactive});
}

/// The account has changed, and what it is now nobody says; all others are answered.
TEST_F(LateAnswer, ThatDoesNotComeMakesNoAnswerOfOneFromBeforeTheChange) {
  is_watched_ = true;
  lookups().watched(AccountWatch::quiet, {});
  ASSERT_EQ(early_.park(*directory_, 1), AccountAnswer::must_wait);
  answer(take(), AccountState::active);
  go_on(1s);
  lookups().watched(AccountWatch::some, std::vector<AccountId>{1});
  const LookupQuery query = take();
  ASSERT_EQ(target_.park(*directory_, 1), AccountAnswer::must_wait);
  go_on(600ms);
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::unavailable});
  EXPECT_EQ(target_.park(*directory_, 1), AccountAnswer::must_wait);
  answer(query, AccountState::inactive);
  EXPECT_EQ(handed(target_), (Handed{AccountAnswer::unavailable, AccountAnswer::inactive}));
}

/// The same, but nobody is answered: then what is known holds.
TEST_F(LateAnswer, ThatDoesNotComeFromARepositoryThatIsLostLeavesWhatWasKnown) {
  is_watched_ = true;
  lookups().watched(AccountWatch::quiet, {});
  ASSERT_EQ(early_.park(*directory_, 1), AccountAnswer::must_wait);
  answer(take(), AccountState::active);
  go_on(1s);
  lookups().watched(AccountWatch::some, std::vector<AccountId>{1});
  const LookupQuery query = take();
  ASSERT_EQ(target_.park(*directory_, 1), AccountAnswer::must_wait);
  clock_.advance(600ms);
  lookups().tick();
  EXPECT_EQ(handed(target_), Handed{AccountAnswer::active});
  EXPECT_FALSE(directory_->health());
  answer(query, AccountState::inactive);
  EXPECT_EQ(directory_->find(1), AccountAnswer::inactive);
}

/// While its events are handed back as unavailable, the account is changed here, and the answer of before comes.
TEST_F(LateAnswer, DoesNotUndoAChangeThatWasMadeHereMeanwhile) {
  struct Target final : ParkedTarget {
    void resolved(std::span<Parked* const>) noexcept override { meanwhile(); }
    std::function<void()> meanwhile;
  } target;
  Parked parked{.account_id = 1, .target = &target};
  ASSERT_EQ(directory_->park(parked), AccountAnswer::must_wait);
  const LookupQuery query = take();
  int handed_back = 0;
  target.meanwhile = [&] {
    ++handed_back;
    EXPECT_TRUE(directory_->change(1, {.is_active = false}));
    answer(query, AccountState::active);
  };
  go_on(600ms);
  ASSERT_EQ(handed_back, 1);
  ASSERT_EQ(early_.park(*directory_, 2), AccountAnswer::must_wait);
  fail(take());
  EXPECT_EQ(target_.park(*directory_, 1), AccountAnswer::inactive);
}

}  // namespace
}  // namespace tracking::engine
