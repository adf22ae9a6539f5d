// The server absent, gone, frozen, or hanging up at a bad moment.
#include <atomic>
#include <stdexcept>

#include "fixture.h"

namespace tracking::test {
namespace {

class PostgresFaults : public PostgresTest {
 protected:
  std::unique_ptr<AccountRepository> repository_ = open();
};

TEST_F(PostgresFaults, AnAbsentServerFailsAtOnceAndIsFoundWhenItComes) {
  server_.stop();
  Status status;
  EXPECT_LT(time_of([&] { status = find_status(*repository_); }), 1s);
  EXPECT_EQ(status.code(), Code::accounts_unavailable);
  EXPECT_NE(status.message().find("refused"), std::string::npos) << status.message();
  server_.start();
  EXPECT_TRUE(find_status(*repository_));
}

TEST_F(PostgresFaults, ConnectionsThatWereClosedMeanwhileAreReplacedUnnoticed) {
  ASSERT_TRUE(repository_->add({1, "a", true}));
  for (int i = 0; i < 3; ++i) {
    kill_connections();
    EXPECT_EQ(state_of(*repository_, 1), AccountState::active);
  }
  kill_connections();
  EXPECT_TRUE(repository_->get(1));
  kill_connections();
  EXPECT_EQ(repository_->list(0, 10).value().size(), 1U);
}

TEST_F(PostgresFaults, EveryCallEndsWhileTheServerIsFrozen) {
  ASSERT_TRUE(repository_->add({1, "a", true}));
  server_.freeze();
  const std::vector<std::pair<const char*, std::function<Code()>>> calls = {
      {"find, connected", [&] { return find_status(*repository_).code(); }},
      {"find, connecting", [&] { return find_status(*repository_).code(); }},
      {"ping", [&] { return repository_->ping().code(); }},
      {"list", [&] { return repository_->list(0, 10).code(); }},
      {"add",
       [&] {
         return repository_->add({2, "b", true}).code();
       }},
      {"change", [&] { return repository_->change(1, {.is_active = false}).code(); }},
      {"remove", [&] { return repository_->remove(1).code(); }},
  };
  for (const auto& [name, call] : calls) {
    Code code = Code::ok;
    EXPECT_LT(time_of([&, &run = call] { code = run(); }), 3s) << name;  // 1 s a call, 1.5 s to connect
    EXPECT_EQ(code, Code::accounts_unavailable) << name;
  }
  server_.thaw();
  EXPECT_TRUE(eventually([&] { return find_status(*repository_).is_ok(); }, 5s));
  EXPECT_EQ(state_of(*repository_, 1), AccountState::active) << "nothing that failed was done";
}

TEST_F(PostgresFaults, ALockedRowIsGivenUpAndNotChangedLater) {
  ASSERT_TRUE(repository_->add({1, "a", true}));
  std::thread holder([&] { sql("BEGIN; UPDATE accounts SET name = 'held'; SELECT pg_sleep(3); ROLLBACK"); });
  ASSERT_TRUE(
      eventually([&] { return sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(3)%'") == "2"; }));
  EXPECT_EQ(state_of(*repository_, 1), AccountState::active) << "readers do not wait";
  EXPECT_EQ(repository_->change(1, {.is_active = false}).code(), Code::accounts_unavailable);
  holder.join();
  EXPECT_EQ(state_of(*repository_, 1), AccountState::active);
}

TEST_F(PostgresFaults, AWriteWhoseAnswerIsLostIsInDoubt) {
  ASSERT_TRUE(repository_->add({1, "a", true}));
  std::thread holder([&] {
    try {
      sql("BEGIN; UPDATE accounts SET name = 'held'; SELECT pg_sleep(600); ROLLBACK");
    } catch (const std::runtime_error&) {
      // It is ended below.
    }
  });
  EXPECT_TRUE(
      eventually([&] { return sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"; }));
  std::atomic<bool> is_over{false};
  std::thread killer([&] {
    while (!is_over) {
      sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
          "application_name = 'tracking'");
    }
  });
  // One that nobody killed within its second was given up, and certainly not made.
  Code code = Code::ok;
  EXPECT_TRUE(eventually([&] {
    code = repository_->change(1, {.is_active = false}).code();
    return code != Code::accounts_unavailable;
  }));
  EXPECT_EQ(code, Code::in_doubt);
  is_over = true;
  killer.join();
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
  holder.join();
  EXPECT_TRUE(repository_->change(1, {.is_active = false}));
}

TEST_F(PostgresFaults, AServerThatOnlyReadsIsUsedForReading) {
  ASSERT_TRUE(repository_->add({1, "a", true}));
  sql("ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");
  kill_connections();
  EXPECT_EQ(state_of(*repository_, 1), AccountState::active);
  EXPECT_EQ(repository_->add({2, "b", true}).code(), Code::unsupported);
  server_.sql("postgres", "ALTER DATABASE " + database_ + " SET default_transaction_read_only = off");
  EXPECT_TRUE(repository_->add({2, "b", true})) << "after a refusal it connects again, perhaps to another server";
}

TEST_F(PostgresFaults, ListingMillionsReadsAPageByItsKey) {
  ASSERT_TRUE(find_status(*repository_));
  sql("INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 200000) g; ANALYZE accounts");
  EXPECT_EQ(repository_->list(150000, 3).value().at(2).id, 150003);
  const std::string plan = sql("EXPLAIN SELECT id FROM accounts WHERE id > 150000 ORDER BY id LIMIT 3");
  EXPECT_NE(plan.find("Limit"), std::string::npos);
  EXPECT_NE(
      sql("SET enable_seqscan = on; EXPLAIN (FORMAT json) SELECT id, left(name::text, 200) FROM accounts WHERE id > "
          "150000 ORDER BY id LIMIT 3")
          .find("Index"),
      std::string::npos);
}

}  // namespace
}  // namespace tracking::test
