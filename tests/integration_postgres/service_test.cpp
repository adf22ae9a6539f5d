// The engine over PostgreSQL: what reaches the events.
#include "fixture.h"

#include <atomic>
#include <sstream>

namespace tracking::test {
namespace {

class PostgresService : public PostgresTest {
 protected:
  void open_service(ServiceOptions options = {}) {
    options.accounts = url();
    options.log = notes_.log();
    service_ = TrackingService::open(options, {postgres()}).value();
  }
  void wait_ready() {
    EXPECT_TRUE(eventually([&] { return service_->readiness().accounts.is_ok(); }))
        << service_->readiness().accounts.message();
  }
  Code track(AccountId id) { return service_->track({.account_id = id, .data = "1"}).code(); }
  /// How often the server was told so, by its own log.
  std::size_t logged(const std::string& what) {
    std::istringstream log(server_.log());
    std::size_t count = 0;
    for (std::string line; std::getline(log, line);) {
      count += line.rfind(database_ + " ", 0) == 0 && line.find(what) != line.npos;
    }
    return count;
  }
  std::size_t queries() { return logged("execute tracking_find"); }
  /// Changes are told, and what was doubted when that began has been read again.
  void wait_watched() {
    EXPECT_TRUE(eventually([&] { return logged("LISTEN") > 0; }));
    const std::size_t proofs = logged("execute tracking_look");
    EXPECT_TRUE(eventually([&] { return logged("execute tracking_look") >= proofs + 4; }));
  }
  /// Tracks one event of each of these accounts, `rounds` times, without waiting in between.
  std::size_t burst(AccountId first, AccountId last, int rounds, Code expected) {
    std::vector<Event> events;
    for (AccountId id = first; id <= last; ++id) events.push_back({.account_id = id, .data = "1"});
    std::atomic<std::size_t> as_expected = 0;
    std::atomic<int> done = 0;
    for (int i = 0; i < rounds; ++i) {
      service_->track(events, [&](std::span<const Receipt> receipts) noexcept {
        for (const Receipt& receipt : receipts) as_expected += receipt.code == expected;
        ++done;
      });
    }
    EXPECT_TRUE(eventually([&] { return done == rounds; }));
    return as_expected;
  }

  std::unique_ptr<TrackingService> service_;
};

TEST_F(PostgresService, ABurstForUncachedAccountsCostsAHandfulOfQueries) {
  ASSERT_TRUE(find_status(*open()));
  sql("INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 10000) g");
  open_service();
  wait_ready();
  wait_watched();
  const std::size_t before = queries();
  EXPECT_EQ(burst(1, 10'000, 10, Code::ok), 100'000U);
  // Ten at least, because a query asks for at most a thousand; some more that began with few.
  EXPECT_LE(queries() - before, 30U);
  const std::size_t after = queries();
  EXPECT_EQ(burst(1, 10'000, 10, Code::ok), 100'000U);
  // None for accounts that are known; a machine so slow that the watch was lost for a moment reads them again, once.
  EXPECT_LE(queries() - after, 11U);
}

TEST_F(PostgresService, AFloodOfMadeUpIdsCostsFewQueriesAndDoesNotDriveOutTheKnown) {
  ASSERT_TRUE(open()->add({1, "a", true}));
  open_service({.account_cache_max = 10'000});
  wait_ready();
  wait_watched();
  EXPECT_EQ(track(1), Code::ok);
  const std::size_t before = queries();
  EXPECT_EQ(burst(1'000'000, 1'089'999, 1, Code::unknown_account), 90'000U);
  EXPECT_LE(queries() - before, 120U);
  EXPECT_LE(service_->stats().accounts_cached, 10'000U);
  const std::size_t after = queries();
  EXPECT_EQ(track(1), Code::ok);
  EXPECT_EQ(queries(), after);
}

TEST_F(PostgresService, AChangeByAnyoneHoldsWithinASecondOnEveryReplica) {
  ASSERT_TRUE(open()->add({1, "a", true}));
  open_service();
  wait_ready();
  auto first = std::move(service_);
  open_service();
  wait_ready();
  EXPECT_EQ(track(1), Code::ok);
  EXPECT_EQ(first->track({.account_id = 1, .data = "1"}).code(), Code::ok);
  std::chrono::milliseconds slowest{0};
  for (int i = 0; i < 20; ++i) {
    const bool to_active = i % 2 == 1;
    sql("UPDATE accounts SET is_active = " + std::string(to_active ? "true" : "false"));
    const Code expected = to_active ? Code::ok : Code::inactive_account;
    slowest =
        std::max(slowest, time_of([&] {
                   EXPECT_TRUE(eventually([&] {
                     return track(1) == expected && first->track({.account_id = 1, .data = "1"}).code() == expected;
                   }));
                 }));
  }
  EXPECT_LT(slowest, 1s);
  // Events that waited for an answer have it before the change is counted.
  EXPECT_TRUE(eventually([&] { return service_->stats().account_changes >= 20U; }, 1s));
  RecordProperty("slowest_ms", static_cast<int>(slowest.count()));
}

TEST_F(PostgresService, WithoutTriggersAChangeHoldsAfterTheTtl) {
  sql("CREATE TABLE accounts (id bigint PRIMARY KEY, name text, is_active boolean); INSERT INTO accounts VALUES (1, "
      "'a', true)");
  const std::string at = url_of_role("SELECT ON accounts");
  ServiceOptions options{.accounts = at, .account_ttl = 1s, .log = notes_.log()};
  service_ = TrackingService::open(options, {postgres()}).value();
  wait_ready();
  EXPECT_EQ(track(1), Code::ok);
  sql("UPDATE accounts SET is_active = false");
  EXPECT_TRUE(eventually([&] { return track(1) == Code::inactive_account; }, 5s));
}

TEST_F(PostgresService, ADatabaseThatComesLaterIsFoundWithinTwoSeconds) {
  ASSERT_TRUE(open()->add({1, "a", true}));
  server_.stop();
  open_service();
  EXPECT_TRUE(
      eventually([&] { return service_->readiness().accounts.message().find("refused") != std::string::npos; }));
  EXPECT_EQ(track(1), Code::accounts_unavailable);
  server_.start();
  EXPECT_LT(time_of([&] { wait_ready(); }), 2s);
  EXPECT_EQ(track(1), Code::ok);
}

/// Down and frozen, each with the same promise.
class PostgresOutage : public PostgresService, public ::testing::WithParamInterface<const char*> {
 protected:
  void break_it() { is_frozen() ? server_.freeze() : server_.stop(); }
  void mend_it() { is_frozen() ? server_.thaw() : server_.start(); }
  static bool is_frozen() { return std::string(GetParam()) == "Frozen"; }
};

TEST_P(PostgresOutage, IsKnownWithinTwoSecondsAndCachedAnswersHold) {
  ASSERT_TRUE(open()->add({1, "a", true}));
  ASSERT_TRUE(open()->add({2, "b", false}));
  open_service({.account_ttl = 100ms});
  wait_ready();
  EXPECT_EQ(track(1), Code::ok);
  EXPECT_EQ(track(2), Code::inactive_account);
  EXPECT_EQ(track(3), Code::unknown_account);
  break_it();
  EXPECT_LT(time_of([&] { EXPECT_TRUE(eventually([&] { return !service_->readiness().accounts.is_ok(); })); }), 2s);
  for (int i = 0; i < 5; ++i) {
    EXPECT_LT(time_of([&] {
                EXPECT_EQ(track(1), Code::ok);
                EXPECT_EQ(track(2), Code::inactive_account);
                EXPECT_EQ(track(3), Code::unknown_account);
                EXPECT_EQ(track(1000 + i), Code::accounts_unavailable);
              }),
              250ms);
    std::this_thread::sleep_for(150ms);  // over the TTL, during which nothing may change
  }
  EXPECT_GT(service_->stats().lookups_stale, 0U);
  mend_it();
  EXPECT_LT(time_of([&] { wait_ready(); }), 3s);
  EXPECT_TRUE(eventually([&] { return track(1000) == Code::unknown_account; }));
  sql("UPDATE accounts SET is_active = true WHERE id = 2");
  EXPECT_TRUE(eventually([&] { return track(2) == Code::ok; }, 2s)) << "changes are told again";
}

TEST_P(PostgresOutage, CachedAnswersEndAtTheStaleLimit) {
  ASSERT_TRUE(open()->add({1, "a", true}));
  open_service({.account_ttl = 500ms, .account_stale_max = 1s});
  wait_ready();
  EXPECT_EQ(track(1), Code::ok);
  break_it();
  EXPECT_TRUE(eventually([&] { return track(1) == Code::accounts_unavailable; }, 10s));
}

TEST_P(PostgresOutage, ClosingDoesNotWaitForTheServer) {
  open_service();
  wait_ready();
  break_it();
  EXPECT_LT(time_of([&] { service_->close(10s).ignore(); }), 4s);
}

INSTANTIATE_TEST_SUITE_P(Both, PostgresOutage, ::testing::Values("Down", "Frozen"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace tracking::test
