// Component testing: the tools of tests do what they promise.
#include <gtest/gtest.h>
#include <tracking/testing.h>

#include <string>
#include <thread>
#include <vector>

#include "memory/memory_accounts.h"

namespace tracking::testing {
namespace {

using namespace std::chrono_literals;

TEST(ManualClock, StandsStillUntilItIsTurned) {
  ManualClock clock;
  const Timestamp start = clock.now();
  EXPECT_EQ(clock.now(), start);
  EXPECT_EQ(start.time_since_epoch(), 1767225600s);
  const auto steady = clock.steady();
  clock.advance(90s);
  EXPECT_EQ(clock.now() - start, 90s);
  EXPECT_EQ(clock.steady() - steady, 90s);
  clock.jump(-1h);
  EXPECT_EQ(clock.now() - start, 90s - 1h);
  EXPECT_EQ(clock.steady() - steady, 90s);
}

class FaultyRepositoryTest : public ::testing::Test {
 protected:
  Code find(AccountRepository& repository) {
    const std::vector<AccountId> ids{1};
    std::vector<AccountState> states(1);
    return repository.find(ids, states).code();
  }
  std::shared_ptr<Faults> faults_ = std::make_shared<Faults>();
  FaultyRepository repository_{make_memory_accounts({{1, "one", true}}), faults_};
};

TEST_F(FaultyRepositoryTest, FailsUntilToldOtherwise) {
  EXPECT_EQ(find(repository_), Code::ok);
  faults_->fail_with(Code::accounts_unavailable);
  EXPECT_EQ(find(repository_), Code::accounts_unavailable);
  EXPECT_EQ(repository_.ping().code(), Code::accounts_unavailable);
  EXPECT_EQ(repository_.get(1).code(), Code::accounts_unavailable);
  std::vector<AccountId> changed;
  EXPECT_EQ(repository_.wait_for_changes(0ms, changed), AccountWatch::lost);
  faults_->fail_with(Code::ok);
  EXPECT_EQ(find(repository_), Code::ok);
  EXPECT_EQ(repository_.wait_for_changes(0ms, changed), AccountWatch::quiet);
  EXPECT_EQ(faults_->calls(), 4U);
}

TEST_F(FaultyRepositoryTest, FailsTheNextCallsOfAnyInstance) {
  auto another = repository_.another();
  faults_->fail_next(2, Code::overloaded);
  EXPECT_TRUE(repository_.ping());
  EXPECT_EQ(find(repository_), Code::overloaded);
  EXPECT_EQ(find(*another), Code::overloaded);
  EXPECT_EQ(find(repository_), Code::ok);
}

TEST_F(FaultyRepositoryTest, HoldsCallsUntilReleased) {
  faults_->hold();
  std::atomic<bool> is_back = false;
  std::thread caller([&] {
    EXPECT_EQ(find(repository_), Code::timed_out);
    is_back = true;
  });
  while (faults_->calls() == 0) std::this_thread::yield();
  EXPECT_FALSE(is_back);
  faults_->fail_next(1, Code::timed_out);
  faults_->release();
  caller.join();
}

/// Accepts all, and remembers it.
class NotingBroker final : public Broker {
 public:
  explicit NotingBroker(std::vector<std::string>& log) : log_(log) {}
  void publish(Lines lines, Completion done) noexcept override {
    for (const Line& line : lines) log_.emplace_back(line.json);
    done.all(AckLevel::sent);
  }

 private:
  std::vector<std::string>& log_;
};

/// What became of one publish().
struct Outcomes final : CompletionTarget {
  void resolve(std::size_t, const Outcome&) noexcept override {}
  void finish(const Outcome& outcome) noexcept override { codes.push_back(outcome.code); }
  std::vector<Code> codes;
};

class FaultyBrokerTest : public ::testing::Test {
 protected:
  void publish(const std::string& json) {
    const Line line{.json = json, .account_id = 1, .id = "id"};
    broker_->publish(Lines({&line, 1}, AckLevel::sent), Completion(outcomes_));
  }
  using Log = std::vector<std::string>;
  Log log_;
  Outcomes outcomes_;
  std::shared_ptr<Faults> faults_ = std::make_shared<Faults>();
  std::unique_ptr<FaultyBroker> broker_ = std::make_unique<FaultyBroker>(std::make_unique<NotingBroker>(log_), faults_);
};

TEST_F(FaultyBrokerTest, PassesOnOrFails) {
  publish("1");
  faults_->fail_next(1, Code::broker_unavailable);
  publish("2");
  publish("3");
  EXPECT_EQ(log_, (Log{"1", "3"}));
  EXPECT_EQ(outcomes_.codes, (std::vector{Code::ok, Code::broker_unavailable, Code::ok}));
  faults_->fail_with(Code::overloaded);
  EXPECT_EQ(broker_->health().code(), Code::overloaded);
}

TEST_F(FaultyBrokerTest, HoldsBackAndPassesOnInOrder) {
  faults_->hold();
  publish("1");
  publish("2");
  EXPECT_TRUE(outcomes_.codes.empty());
  faults_->release();
  publish("3");
  EXPECT_EQ(log_, (Log{"1", "2", "3"}));
  EXPECT_EQ(outcomes_.codes, std::vector(3, Code::ok));
}

TEST_F(FaultyBrokerTest, CompletesWhatIsHeldAsTold) {
  faults_->hold();
  publish("1");
  broker_->complete_held(Code::in_doubt);
  publish("2");
  broker_->complete_held();
  EXPECT_EQ(outcomes_.codes, (std::vector{Code::in_doubt, Code::ok}));
  EXPECT_EQ(log_, Log{"2"});
}

TEST_F(FaultyBrokerTest, NothingStaysWithoutAnOutcome) {
  faults_->hold();
  publish("1");
  EXPECT_TRUE(broker_->close(1s));
  publish("2");
  broker_.reset();
  EXPECT_EQ(outcomes_.codes, std::vector(2, Code::in_doubt));
}

}  // namespace
}  // namespace tracking::testing
