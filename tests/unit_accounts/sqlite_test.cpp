// Accounts in an SQLite file that others use too: sqlite3, editors, copies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <tracking/backends.h>
#include <tracking/sqlite.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "unit_accounts/support.h"

namespace tracking {
namespace {

using engine::AccountAnswer;
using engine::AccountDirectory;
using engine::eventually;
using engine::NotingTarget;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// The sqlite3 shell: another process.
class Shell {
 public:
  explicit Shell(const std::filesystem::path& file)
      : pipe_(::popen(
            (std::string(SQLITE3_SHELL) + " -bail -batch -cmd '.timeout 5000' '" + file.string() + "' 2>&1 >/dev/null")
                .c_str(),
            "w")) {}
  ~Shell() { end(); }
  void say(const std::string& sql) {
    std::fputs((sql + "\n").c_str(), pipe_);
    std::fflush(pipe_);
  }
  void end() {
    if (pipe_) {
      EXPECT_EQ(::pclose(pipe_), 0);
    }
    pipe_ = nullptr;
  }

 private:
  std::FILE* pipe_;
};

class SqliteFile : public ::testing::Test {
 protected:
  SqliteFile() {
    std::string name = (std::filesystem::temp_directory_path() / "tracking-sqlite-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "accounts.db";
  }
  ~SqliteFile() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Result<std::unique_ptr<AccountRepository>> open_url(const std::string& url) {
    return Backends({sqlite()}).open_accounts({.url = BackendUrl::parse(url).value(), .data_dir = folder_});
  }
  Result<std::unique_ptr<AccountRepository>> open() { return open_url("sqlite:accounts.db"); }
  void shell(const std::string& sql, const std::filesystem::path& file = {}) {
    Shell(file.empty() ? file_ : file).say(sql);
  }
  static Result<AccountState> find(AccountRepository& repository, AccountId id) {
    AccountState state{};
    if (Status status = repository.find({&id, 1}, {&state, 1}); !status) return status;
    return state;
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

TEST_F(SqliteFile, IsMadeWithItsFolderAtFirstUse) {
  auto repository = open_url("sqlite:a/b/c.db").value();
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a/b/c.db"));
  ASSERT_TRUE(repository->add({1, "one", true}));
  auto again = open_url("sqlite:" + (folder_ / "a/b/c.db").string()).value();
  EXPECT_EQ(find(*again, 1).value(), AccountState::active);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a/b/c.db-wal"));
}

TEST_F(SqliteFile, KeepsWhenAnAccountWasChanged) {
  auto repository = open().value();
  shell(
      "INSERT INTO accounts (id, name) VALUES (1, 'by hand');"
      "UPDATE accounts SET updated_at = 'long ago', created_at = 'long ago';");
  ASSERT_TRUE(repository->change(1, {.is_active = false}));
  shell(
      "CREATE TABLE seen AS SELECT 1 / (updated_at LIKE '20__-__-__T__:__:__.___Z' AND created_at = 'long ago') AS ok "
      "FROM accounts; SELECT abs(CASE WHEN ok = 1 THEN 0 ELSE -9223372036854775808 END) FROM seen;");
}

TEST_F(SqliteFile, MadeByHandWithThreeColumnsIsEnough) {
  shell(
      "CREATE TABLE accounts (name, is_active, id);"  // no key, no types
      "INSERT INTO accounts (id, name, is_active) VALUES (1, 'one', 1), (2, 'two', 0), (3, 'x', 1), (3, 'y', 0);");
  auto repository = open().value();
  EXPECT_EQ(find(*repository, 1).value(), AccountState::active);
  EXPECT_EQ(find(*repository, 2).value(), AccountState::inactive);
  EXPECT_EQ(find(*repository, 3).value(), AccountState::inactive) << "two rows, one of which says no";
  EXPECT_EQ(repository->add({1, "again", true}).code(), Code::account_exists);
  EXPECT_TRUE(repository->add({4, "four", true}));
  EXPECT_EQ(repository->change(4, {.name = "4"}).value().name, "4");
  EXPECT_TRUE(repository->remove(4));
}

TEST_F(SqliteFile, StrangeRowsDoNoHarm) {
  shell(
      "CREATE TABLE accounts (id, name, is_active);"
      "INSERT INTO accounts VALUES (0, 'zero', 1), (-5, 'negative', 1), ('seven', 'text', 1), (NULL, NULL, NULL),"
      " (1, NULL, 'TRUE'), (2, x'ff00', 'no'), (3, 3.5, 2), (4, 'null', NULL), (5, 'real', 0.5), (6, 'blob', x'01'),"
      " (9e300, 'huge', 1), (10, printf('%.*c', 100000, 'x'), -1);");
  auto repository = open().value();
  EXPECT_EQ(find(*repository, 1).value(), AccountState::active);
  EXPECT_EQ(find(*repository, 2).value(), AccountState::inactive);
  EXPECT_EQ(find(*repository, 3).value(), AccountState::active);
  EXPECT_EQ(find(*repository, 4).value(), AccountState::inactive);
  EXPECT_EQ(find(*repository, 5).value(), AccountState::active);
  EXPECT_EQ(find(*repository, 6).value(), AccountState::inactive);
  const std::vector<Account> accounts = repository->list(-10, 100).value();
  ASSERT_EQ(accounts.size(), 7U);
  EXPECT_EQ(accounts.front().id, 1);
  EXPECT_EQ(accounts.back().name.size(), 200U);
}

TEST_F(SqliteFile, IdsKeptAsTextAreFoundToo) {
  shell(
      "CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT, is_active BOOLEAN);"
      "INSERT INTO accounts VALUES ('42', 'text', true);");
  auto repository = open().value();
  EXPECT_EQ(find(*repository, 42).value(), AccountState::active);
  EXPECT_EQ(find(*repository, 43).value(), AccountState::unknown);
}

TEST_F(SqliteFile, ATableWithoutAColumnThatWeNeedIsNamed) {
  shell("CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT);");
  const auto opened = open();
  EXPECT_EQ(opened.code(), Code::invalid_parameter);
  EXPECT_THAT(opened.error().message(), HasSubstr(file_.string()));
  EXPECT_THAT(opened.error().message(), HasSubstr("is_active"));
}

TEST_F(SqliteFile, AnotherProgramsDatabaseKeepsItsVersion) {
  shell("CREATE TABLE others (x);");
  ASSERT_TRUE(open());
  shell(
      "SELECT abs(CASE WHEN user_version = 0 THEN 0 ELSE -9223372036854775808 END) FROM pragma_user_version;"
      "INSERT INTO accounts (id, name) VALUES (1, 'one');");
}

TEST_F(SqliteFile, OfANewerLayoutIsRefused) {
  shell("PRAGMA user_version = 2;");
  const auto opened = open();
  EXPECT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr(file_.string()));
  EXPECT_THAT(opened.error().message(), HasSubstr("version 2"));
}

TEST_F(SqliteFile, ThatIsNoDatabaseIsRefused) {
  std::ofstream(file_) << std::string(5000, 'x');
  const auto opened = open();
  EXPECT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr(file_.string() + " cannot be"));
  EXPECT_THAT(opened.error().message(), HasSubstr("not an SQLite database"));
}

TEST_F(SqliteFile, UrlsThatNameNoFileAreRefused) {
  EXPECT_EQ(open_url("sqlite:").code(), Code::invalid_parameter);
  EXPECT_EQ(open_url("sqlite:folder/").code(), Code::invalid_parameter);
  EXPECT_EQ(open_url("sqlite::memory:").code(), Code::invalid_parameter);
  EXPECT_EQ(open_url("sqlite:a.db?mode=ro").code(), Code::invalid_parameter);
  const auto in_a_file = open_url("sqlite:/dev/null/a.db");
  EXPECT_FALSE(in_a_file);
  EXPECT_THAT(in_a_file.error().message(), HasSubstr("/dev/null"));
  EXPECT_FALSE(open_url("sqlite:" + folder_.string()));
}

/// Root may write everything; for this the process becomes nobody for a while.
class WithoutRights {
 public:
  WithoutRights() : user_(::geteuid()) {
    if (user_ == 0) {
      EXPECT_EQ(::seteuid(65534), 0);
    }
  }
  ~WithoutRights() {
    if (user_ == 0) {
      EXPECT_EQ(::seteuid(user_), 0);
    }
  }

 private:
  const uid_t user_;
};

TEST_F(SqliteFile, ThatIsReadOnlyAnswersLookupsAndRefusesChanges) {
  ASSERT_TRUE(open().value()->add({1, "one", true}));
  std::filesystem::permissions(file_, std::filesystem::perms(0444));
  std::filesystem::permissions(folder_, std::filesystem::perms(0555));
  {
    const WithoutRights nobody;
    auto repository = open().value();
    EXPECT_EQ(find(*repository, 1).value(), AccountState::active);
    const Status status = repository->add({2, "two", true});
    EXPECT_EQ(status.code(), Code::unsupported);
    EXPECT_THAT(status.message(), HasSubstr(file_.string()));
    EXPECT_THAT(status.message(), HasSubstr("read-only"));
    EXPECT_THAT(open_url("sqlite:new.db").error().message(), HasSubstr("new.db"));
  }
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
}

TEST_F(SqliteFile, LockedByAnotherProcessIsUnavailableSoon) {
  auto repository = open().value();
  ASSERT_TRUE(repository->add({1, "one", true}));
  Shell other(file_);
  other.say("BEGIN EXCLUSIVE;");
  ASSERT_TRUE(eventually([&] { return !find(*repository, 1); }));
  const auto start = std::chrono::steady_clock::now();
  const auto found = find(*repository, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_EQ(found.code(), Code::accounts_unavailable);
  EXPECT_THAT(found.error().message(), HasSubstr(file_.string()));
  EXPECT_THAT(found.error().message(), HasSubstr("locked"));
  EXPECT_EQ(repository->add({2, "two", true}).code(), Code::accounts_unavailable);
  EXPECT_EQ(repository->ping().code(), Code::accounts_unavailable);
  EXPECT_TRUE(open()) << "a locked file is no reason not to start";
  other.say("COMMIT;");
  EXPECT_TRUE(eventually([&] { return find(*repository, 1).is_ok(); }));
  EXPECT_TRUE(repository->add({2, "two", true}));
}

TEST_F(SqliteFile, ThatVanishedIsUnavailableAndNotMadeAnew) {
  auto repository = open().value();
  ASSERT_TRUE(repository->add({1, "one", true}));
  std::filesystem::rename(file_, folder_ / "elsewhere.db");
  EXPECT_EQ(find(*repository, 1).code(), Code::accounts_unavailable);
  EXPECT_THAT(repository->ping().message(), HasSubstr("is gone"));
  EXPECT_FALSE(std::filesystem::exists(file_));
  std::filesystem::rename(folder_ / "elsewhere.db", file_);
  EXPECT_EQ(find(*repository, 1).value(), AccountState::active);
}

TEST_F(SqliteFile, ThatWasReplacedIsReadAnew) {
  auto repository = open().value();
  auto watcher = repository->another();
  std::vector<AccountId> changed;
  EXPECT_EQ(watcher->wait_for_changes(0ms, changed), AccountWatch::all);
  EXPECT_EQ(watcher->wait_for_changes(0ms, changed), AccountWatch::quiet);
  shell("CREATE TABLE accounts (id, name, is_active); INSERT INTO accounts VALUES (8, 'new', 1);", folder_ / "new.db");
  std::filesystem::rename(folder_ / "new.db", file_);
  EXPECT_EQ(find(*repository, 8).value(), AccountState::active);
  EXPECT_EQ(watcher->wait_for_changes(0ms, changed), AccountWatch::all);
}

/// The directory over a file, with the machine's clock.
class SqliteDirectory : public SqliteFile {
 protected:
  void SetUp() override {
    directory_ = std::make_unique<AccountDirectory>(open().value(), ServiceOptions());
    ASSERT_TRUE(directory_->add({1, "one", true}));
    ASSERT_TRUE(eventually([&] { return ask(1) == AccountAnswer::active; }));
  }
  AccountAnswer ask(AccountId id) {
    if (const AccountAnswer answer = directory_->find(id); answer != AccountAnswer::must_wait) return answer;
    NotingTarget target;
    if (const AccountAnswer answer = target.park(*directory_, id); answer != AccountAnswer::must_wait) return answer;
    EXPECT_TRUE(target.wait_for(1));
    EXPECT_TRUE(eventually([&] {
      ServiceStats stats;
      directory_->add_stats(stats);
      return stats.events_parked == 0;
    }));
    return target.answers().at(0).second;
  }
  std::unique_ptr<AccountDirectory> directory_;
};

TEST_F(SqliteDirectory, AChangeByTheShellHoldsWithinASecond) {
  shell("UPDATE accounts SET is_active = 0 WHERE id = 1;");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return ask(1) == AccountAnswer::inactive; }));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  EXPECT_EQ(ask(2), AccountAnswer::unknown);
  shell("INSERT INTO accounts (id, name) VALUES (2, 'two');");
  EXPECT_TRUE(eventually([&] { return ask(2) == AccountAnswer::active; }, 1s));
  shell("DELETE FROM accounts;");
  EXPECT_TRUE(eventually([&] { return ask(1) == AccountAnswer::unknown && ask(2) == AccountAnswer::unknown; }, 1s));
}

TEST_F(SqliteDirectory, ALockedFileLeavesKnownAccountsAsTheyAre) {
  Shell other(file_);
  other.say("BEGIN EXCLUSIVE;");
  AccountId nobody = 1000;  // each time one that was never asked for
  EXPECT_TRUE(eventually([&] { return ask(++nobody) == AccountAnswer::unavailable; }));
  EXPECT_EQ(ask(1), AccountAnswer::active);
  EXPECT_FALSE(directory_->health());
  other.say("COMMIT;");
  EXPECT_TRUE(eventually([&] { return directory_->health().is_ok(); }));
  EXPECT_EQ(ask(++nobody), AccountAnswer::unknown);
}

}  // namespace
}  // namespace tracking
