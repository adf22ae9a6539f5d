// The table and its triggers: made, found, renewed, or done without.
#include "fixture.h"

namespace tracking::test {
namespace {

class PostgresSchema : public PostgresTest {
 protected:
  std::string trigger_count() {
    return sql("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'accounts'::regclass AND tgname LIKE 'tracking_%'");
  }
  /// True if changes are told now.
  static bool is_watched(AccountRepository& watcher) {
    std::vector<AccountId> changed;
    return eventually([&] { return watcher.wait_for_changes(10ms, changed) == AccountWatch::quiet; }, 5s);
  }
  static bool is_told(AccountRepository& watcher, AccountId id) {
    return eventually([&] {
      std::vector<AccountId> changed;
      const AccountWatch seen = watcher.wait_for_changes(20ms, changed);
      return seen == AccountWatch::all || std::count(changed.begin(), changed.end(), id) > 0;
    });
  }
};

TEST_F(PostgresSchema, ReplicasThatStartTogetherMakeOneSchema) {
  std::vector<std::thread> replicas;
  for (int i = 0; i < 6; ++i) {
    replicas.emplace_back([this, i] {
      auto repository = open();
      if (i % 2 == 0) {
        const Status status = find_status(*repository);
        EXPECT_TRUE(status) << status.message();
      } else {
        EXPECT_TRUE(is_watched(*repository));
      }
    });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(trigger_count(), "5");
  EXPECT_EQ(sql("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
                "'accounts'::regclass AND attnum > 0"),
            "id name is_active created_at updated_at");
  EXPECT_THROW(sql("INSERT INTO accounts VALUES (0, 'nobody')"), std::runtime_error);
}

TEST_F(PostgresSchema, UpdatedAtMovesWithEveryChange) {
  auto repository = open();
  ASSERT_TRUE(repository->add({1, "someone", true}));
  sql("UPDATE accounts SET updated_at = '2000-01-01', created_at = '2000-01-01'");
  EXPECT_EQ(sql("SELECT updated_at < '2001-01-01' FROM accounts"), "t") << "what a statement says itself is kept";
  ASSERT_TRUE(repository->change(1, {.name = "other"}));
  EXPECT_EQ(sql("SELECT updated_at > now() - interval '1 minute' AND created_at < '2001-01-01' FROM accounts"), "t");
}

TEST_F(PostgresSchema, ATableMadeByHandWorksAndGetsItsTriggers) {
  sql("CREATE TABLE accounts (id bigint, name text, is_active boolean); "
      "INSERT INTO accounts VALUES (1, 'a', true), (2, 'b', false), (3, NULL, NULL), (NULL, 'd', true)");
  auto repository = open();
  EXPECT_EQ(state_of(*repository, 1), AccountState::active);
  EXPECT_EQ(state_of(*repository, 2), AccountState::inactive);
  EXPECT_EQ(state_of(*repository, 3), AccountState::inactive);
  EXPECT_EQ(repository->add({1, "again", true}).code(), Code::account_exists);
  EXPECT_EQ(repository->list(0, 10).value().size(), 3U);
  EXPECT_TRUE(notes_.has("no index"));
  auto watcher = repository->another();
  ASSERT_TRUE(is_watched(*watcher));
  EXPECT_EQ(trigger_count(), "4");
  sql("UPDATE accounts SET is_active = true WHERE id = 2");
  EXPECT_TRUE(is_told(*watcher, 2));
}

TEST_F(PostgresSchema, MoreColumnsAndOtherTypesWork) {
  sql("CREATE TABLE accounts (tenant text DEFAULT 'x', is_active text, id int PRIMARY KEY, extra json, name "
      "varchar(5)); "
      "INSERT INTO accounts VALUES ('x', 'yes', 1, '{}', 'a'), ('x', 'perhaps', 2, '{}', 'b')");
  auto repository = open();
  EXPECT_EQ(state_of(*repository, 1), AccountState::active);
  EXPECT_EQ(state_of(*repository, 2), AccountState::inactive);
  EXPECT_EQ(state_of(*repository, 9223372036854775807), AccountState::unknown);
  EXPECT_TRUE(repository->add({3, "c", true}));
  EXPECT_FALSE(repository->change(3, {.is_active = false}).value().is_active);
  EXPECT_EQ(repository->add({4, "too long", true}).code(), Code::invalid_parameter);
  EXPECT_EQ(repository->add({9223372036854775807, "d", true}).code(), Code::invalid_parameter);
  auto watcher = repository->another();
  ASSERT_TRUE(is_watched(*watcher));
  sql("UPDATE accounts SET is_active = 'no' WHERE id = 1");
  EXPECT_TRUE(is_told(*watcher, 1));
}

TEST_F(PostgresSchema, ATableThatCannotBeUsedSaysWhy) {
  sql("CREATE TABLE accounts (id text, name text, is_active boolean)");
  auto repository = open();
  EXPECT_NE(find_status(*repository).message().find("must be bigint"), std::string::npos);
  sql("ALTER TABLE accounts DROP COLUMN id");
  EXPECT_NE(find_status(*repository).message().find("no column id"), std::string::npos);
  sql("ALTER TABLE accounts ADD COLUMN id bigint");
  EXPECT_TRUE(find_status(*repository)) << "once it is right it is used";
}

TEST_F(PostgresSchema, AChangedTableIsReadAsItIsNow) {
  auto repository = open();
  ASSERT_TRUE(repository->add({1, "someone", true}));
  sql("ALTER TABLE accounts ALTER COLUMN is_active DROP DEFAULT, ALTER COLUMN is_active TYPE int USING 0, "
      "ADD COLUMN other int");
  eventually([&] { return find_status(*repository).is_ok(); });
  EXPECT_EQ(state_of(*repository, 1), AccountState::inactive);
}

TEST_F(PostgresSchema, ATableThatIsGoneIsNotMadeAgain) {
  auto repository = open();
  ASSERT_TRUE(find_status(*repository));
  sql("DROP TABLE accounts");
  EXPECT_FALSE(find_status(*repository));
  EXPECT_NE(find_status(*repository).message().find("is gone"), std::string::npos);
  EXPECT_EQ(sql("SELECT to_regclass('accounts') IS NULL"), "t");
}

TEST_F(PostgresSchema, ARoleThatMayOnlyReadIsEnoughWhereTableAndTriggersAre) {
  ASSERT_TRUE(find_status(*open()));
  auto repository = open(url_of_role("SELECT ON accounts"));
  EXPECT_EQ(state_of(*repository, 1), AccountState::unknown);
  EXPECT_EQ(repository->add({1, "a", true}).code(), Code::unsupported);
  auto watcher = repository->another();
  ASSERT_TRUE(is_watched(*watcher));
  sql("INSERT INTO accounts VALUES (1, 'a')");
  EXPECT_TRUE(is_told(*watcher, 1));
  EXPECT_EQ(notes_.text(), "");
}

TEST_F(PostgresSchema, ARoleThatMayMakeNoTriggersWorksWithoutAndSaysSo) {
  sql("CREATE TABLE accounts (id bigint PRIMARY KEY, name text, is_active boolean); INSERT INTO accounts VALUES (1, "
      "'a', true)");
  auto repository = open(url_of_role("SELECT ON accounts"));
  EXPECT_EQ(state_of(*repository, 1), AccountState::active);
  auto watcher = repository->another();
  std::vector<AccountId> changed;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(watcher->wait_for_changes(1ms, changed), AccountWatch::lost);
  EXPECT_TRUE(notes_.has("--account-ttl")) << notes_.text();
  EXPECT_TRUE(notes_.has("could not be made")) << notes_.text();
  ASSERT_TRUE(is_watched(*open()->another())) << "the owner makes them";
  EXPECT_TRUE(is_watched(*watcher)) << "and others find them";
}

TEST_F(PostgresSchema, ARoleThatMayMakeNoTableSaysSo) {
  auto repository = open(url_of_role("CONNECT ON DATABASE " + database_));
  const Status status = find_status(*repository);
  EXPECT_EQ(status.code(), Code::accounts_unavailable);
  EXPECT_NE(status.message().find("permission denied"), std::string::npos) << status.message();
}

TEST_F(PostgresSchema, OldTriggersAreRenewedAndNewerOnesLeft) {
  ASSERT_TRUE(find_status(*open()));
  const auto set_layout = [&](const std::string& layout) {
    sql("CREATE OR REPLACE FUNCTION tracking_accounts_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN /* " +
        layout + " */ PERFORM pg_notify('tracking_accounts', '9 ' || TG_RELID); RETURN NULL; END $$");
  };
  const auto is_renewed = [&] {
    return sql("SELECT prosrc LIKE '%tracking layout 1%' FROM pg_proc WHERE proname = 'tracking_accounts_changed'") ==
           "t";
  };
  set_layout("of a time before layouts");
  sql("DROP TRIGGER tracking_accounts_truncate ON accounts");
  EXPECT_TRUE(is_watched(*open()));
  EXPECT_TRUE(is_renewed());
  EXPECT_EQ(trigger_count(), "5");

  set_layout("tracking layout 2");
  auto watcher = open();
  EXPECT_TRUE(is_watched(*watcher));
  EXPECT_FALSE(is_renewed());
  sql("INSERT INTO accounts VALUES (7, 'told in a way of the future')");
  EXPECT_TRUE(is_told(*watcher, 7));
}

TEST_F(PostgresSchema, WritersDoNotWaitLongForTriggersToBeMade) {
  sql("CREATE TABLE accounts (id bigint PRIMARY KEY, name text, is_active boolean)");
  std::thread busy([&] { sql("BEGIN; INSERT INTO accounts VALUES (1, 'a', true); SELECT pg_sleep(2); COMMIT"); });
  ASSERT_TRUE(
      eventually([&] { return sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%'") == "2"; }));
  auto watcher = open();
  std::vector<AccountId> changed;
  EXPECT_EQ(watcher->wait_for_changes(1ms, changed), AccountWatch::lost);
  EXPECT_LT(time_of([&] { sql("INSERT INTO accounts VALUES (2, 'b', true)"); }), 1500ms);
  busy.join();
  EXPECT_TRUE(notes_.has("lock timeout")) << notes_.text();
}

}  // namespace
}  // namespace tracking::test
