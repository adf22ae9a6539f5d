// What the watch tells, and when it says that it cannot.
#include "fixture.h"

#include <set>

namespace tracking::test {
namespace {

class PostgresWatch : public PostgresTest {
 protected:
  PostgresWatch() {
    EXPECT_TRUE(find_status(*repository_));
    wait_until(AccountWatch::quiet);
  }

  AccountWatch wait(std::vector<AccountId>& changed) { return watcher_->wait_for_changes(20ms, changed); }
  void wait_until(AccountWatch expected, std::chrono::milliseconds limit = 20s) {
    std::vector<AccountId> changed;
    EXPECT_TRUE(eventually([&] { return wait(changed) == expected; }, limit)) << notes_.text();
  }
  /// What is told up to now: the ids, or 0 for all.
  std::set<AccountId> told() {
    // Notices come in the order of their transactions, so what comes before this one is all.
    constexpr AccountId last = 4242424242;
    const std::string mark =
        "SELECT pg_notify('tracking_accounts', '1 ' || 'accounts'::regclass::oid || ' " + std::to_string(last) + "')";
    std::set<AccountId> ids;
    sql(mark);
    EXPECT_TRUE(eventually([&] {
      std::vector<AccountId> changed;
      const AccountWatch seen = wait(changed);
      ids.insert(changed.begin(), changed.end());
      if (seen == AccountWatch::all) {  // the mark may have been among all
        ids.insert(0);
        sql(mark);
      }
      return ids.count(last) > 0;
    }));
    ids.erase(last);
    wait_until(AccountWatch::quiet);
    return ids;
  }
  std::set<AccountId> told_of(const std::string& statements) {
    sql(statements);
    return told();
  }

  std::unique_ptr<AccountRepository> repository_ = open();
  std::unique_ptr<AccountRepository> watcher_ = repository_->another();
};

using Ids = std::set<AccountId>;

TEST_F(PostgresWatch, TellsEveryKindOfChange) {
  EXPECT_EQ(told_of("INSERT INTO accounts VALUES (1, 'a'), (2, 'b'), (3, 'c')"), (Ids{1, 2, 3}));
  EXPECT_EQ(told_of("UPDATE accounts SET is_active = false WHERE id = 2"), Ids{2});
  EXPECT_EQ(told_of("UPDATE accounts SET id = 20 WHERE id = 2"), (Ids{2, 20}));
  EXPECT_EQ(told_of("DELETE FROM accounts WHERE id = 1"), Ids{1});
  EXPECT_EQ(told_of("INSERT INTO accounts VALUES (3, 'x'), (4, 'y') ON CONFLICT (id) DO UPDATE SET is_active = false"),
            (Ids{3, 4}));
  EXPECT_EQ(told_of("TRUNCATE accounts"), Ids{0});
}

TEST_F(PostgresWatch, AChangeThatIsRolledBackIsNotTold) {
  EXPECT_EQ(told_of("BEGIN; INSERT INTO accounts VALUES (1, 'a'); ROLLBACK"), Ids{});
}

TEST_F(PostgresWatch, AnUpdateOfOtherColumnsTellsNothing) {
  sql("INSERT INTO accounts VALUES (1, 'a')");
  told();
  EXPECT_EQ(told_of("UPDATE accounts SET name = 'b', is_active = true"), Ids{});
}

TEST_F(PostgresWatch, ThousandsAreToldOneByOneAndMoreAsAll) {
  EXPECT_EQ(told_of("INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 3000) g").size(), 3000U);
  EXPECT_EQ(told_of("INSERT INTO accounts SELECT g, 'x' FROM generate_series(3001, 6001) g"), Ids{0});
  EXPECT_EQ(told_of("UPDATE accounts SET is_active = false"), Ids{0});
  EXPECT_EQ(told_of("DELETE FROM accounts"), Ids{0});
}

TEST_F(PostgresWatch, TheLargestIdsFitIntoANotice) {
  EXPECT_EQ(told_of("INSERT INTO accounts SELECT 9223372036854775807 - g, 'x' FROM generate_series(0, 999) g").size(),
            1000U);
}

TEST_F(PostgresWatch, ATransactionOfManyStatementsEndsUpTellingAll) {
  const Ids ids = told_of("DO $$ BEGIN FOR i IN 1 .. 5000 LOOP INSERT INTO accounts VALUES (i, 'x'); END LOOP; END $$");
  EXPECT_TRUE(ids.count(0));
  EXPECT_LE(ids.size(), 101U);
  EXPECT_EQ(told_of("INSERT INTO accounts VALUES (6000, 'x')"), Ids{6000}) << "the next one begins anew";
}

TEST_F(PostgresWatch, AReplayingSessionIsToldToo) {
  EXPECT_EQ(told_of("SET session_replication_role = replica; INSERT INTO accounts VALUES (5, 'x')"), Ids{5});
}

TEST_F(PostgresWatch, ForeignNoticesAreHarmless) {
  EXPECT_EQ(told_of("NOTIFY tracking_accounts; NOTIFY tracking_accounts, 'rubbish'"), Ids{0});
  EXPECT_EQ(told_of("NOTIFY another_channel, '1 2 3'"), Ids{});
}

TEST_F(PostgresWatch, AfterItsConnectionWasCutItTellsAll) {
  kill_connections();
  sql("INSERT INTO accounts VALUES (1, 'nobody hears this')");
  wait_until(AccountWatch::lost, 5s);
  wait_until(AccountWatch::all, 5s);
  EXPECT_EQ(told_of("INSERT INTO accounts VALUES (2, 'heard')"), Ids{2});
  EXPECT_TRUE(notes_.has("told at once again"));
}

TEST_F(PostgresWatch, AfterARestartOfTheServerItTellsAll) {
  server_.stop();
  wait_until(AccountWatch::lost, 5s);
  server_.start();
  wait_until(AccountWatch::all, 5s);
}

TEST_F(PostgresWatch, AFrozenServerIsNoticedWithinASecond) {
  server_.freeze();
  const auto noticed = time_of([&] { wait_until(AccountWatch::lost); });
  EXPECT_LT(noticed, 1500ms);  // 950 ms, and a busy machine
  server_.thaw();
  wait_until(AccountWatch::all, 5s);
}

TEST_F(PostgresWatch, DisabledTriggersAreNoticed) {
  sql("ALTER TABLE accounts DISABLE TRIGGER tracking_accounts_delete");
  wait_until(AccountWatch::lost, 5s);
  EXPECT_TRUE(notes_.has("are disabled"));
  sql("ALTER TABLE accounts ENABLE TRIGGER tracking_accounts_delete");
  wait_until(AccountWatch::all, 5s);
}

TEST_F(PostgresWatch, WhatHappenedWhileTheyWereDisabledIsCoveredEvenInOneTransaction) {
  sql("BEGIN; ALTER TABLE accounts DISABLE TRIGGER USER; INSERT INTO accounts VALUES (1, 'silent'); "
      "ALTER TABLE accounts ENABLE TRIGGER USER; COMMIT");
  wait_until(AccountWatch::all, 5s);
}

TEST_F(PostgresWatch, ATableThatTakesTheOthersPlaceIsWatchedFromThenOn) {
  sql("BEGIN; ALTER TABLE accounts RENAME TO old_accounts; CREATE TABLE accounts (LIKE old_accounts INCLUDING ALL); "
      "COMMIT");
  wait_until(AccountWatch::all, 5s);
  told();
  EXPECT_EQ(told_of("INSERT INTO accounts VALUES (8, 'x')"), Ids{8});
  EXPECT_EQ(told_of("INSERT INTO old_accounts VALUES (9, 'x')"), Ids{});
}

TEST_F(PostgresWatch, ATableFilledByReplicationIsNotTrusted) {
  sql("CREATE SUBSCRIPTION feed CONNECTION 'dbname=nowhere' PUBLICATION feed WITH (connect = false)");
  sql("INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'accounts'::regclass, 'r' FROM "
      "pg_subscription");
  wait_until(AccountWatch::lost, 5s);
  EXPECT_TRUE(notes_.has("logical replication"));
  sql("ALTER SUBSCRIPTION feed SET (slot_name = NONE); DROP SUBSCRIPTION feed");
  wait_until(AccountWatch::all, 5s);
}

}  // namespace
}  // namespace tracking::test
