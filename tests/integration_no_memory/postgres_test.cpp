// Accounts in PostgreSQL while allocations fail: an answer is right or a failure, a change is made, or not, or in
// doubt, and the next call works.
#include <gtest/gtest.h>
#include <tracking/backends.h>
#include <tracking/postgres.h>

#include <array>
#include <optional>

#include "support/no_memory.h"
#include "support/postgres_server.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

constexpr std::array<AccountId, 3> asked{1, 2, 9};
constexpr std::array<AccountState, 3> answers{AccountState::active, AccountState::inactive, AccountState::unknown};

class NoMemoryForPostgres : public ::testing::TestWithParam<MemoryFault> {
 protected:
  NoMemoryForPostgres() {
    context_ = {.url = BackendUrl::parse(server_.url(database_)).value(), .log = [](LogLevel, std::string_view) {}};
    judge_ = open();
    EXPECT_TRUE(judge_->ping());
  }
  std::unique_ptr<AccountRepository> open() { return backends_.open_accounts(context_).value(); }
  // A new repository, not connected yet, over accounts 1, 2 (inactive) and 3.
  std::unique_ptr<AccountRepository> open_filled() {
    server_.sql(database_, "DELETE FROM accounts; INSERT INTO accounts (id, name, is_active) VALUES (1, '" +
                               long_name_ + "', true), (2, 'two', false), (3, 'three', true)");
    return open();
  }

  const std::string long_name_ = std::string(100, 'n');
  PostgresServer& server_ = PostgresServer::shared();
  const std::string database_ = server_.new_database();
  const Backends backends_{postgres()};
  BackendContext context_;
  std::unique_ptr<AccountRepository> judge_;  // sees what is there
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForPostgres, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemoryForPostgres, ALookupIsRightOrFails) {
  std::unique_ptr<AccountRepository> accounts;
  std::array<AccountState, 3> states{};
  bool is_found = false;
  const auto look_up = [&] {
    is_found = accounts->find(asked, states).is_ok();
    (void)accounts->ping();
  };
  const int runs = for_each_allocation(
      GetParam(), [&] { accounts = open_filled(); }, look_up,
      [&] {
        if (is_found) {
          EXPECT_EQ(states, answers);
        }
        look_up();
        EXPECT_TRUE(is_found);
        EXPECT_EQ(states, answers);
        EXPECT_TRUE(accounts->ping());
      });
  EXPECT_GT(runs, 30);
}

TEST_P(NoMemoryForPostgres, AChangeIsMadeOrNotOrInDoubt) {
  std::unique_ptr<AccountRepository> accounts;
  const Account added{.id = 4, .name = long_name_};
  const AccountChange renamed{.name = "another name that is too long to be kept in place"};
  Code adding{};
  Code changing{};
  Code removing{};
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        accounts = open_filled();
        EXPECT_TRUE(accounts->ping());
      },
      [&] {
        adding = accounts->add(added).code();
        changing = accounts->change(1, renamed).code();
        removing = accounts->remove(3).code();
      },
      [&] {
        for (const Code code : {adding, changing, removing})
          EXPECT_TRUE(code == Code::ok || code == Code::in_doubt || code == Code::accounts_unavailable) << name(code);
        const auto agrees = [](Code code, bool is_made) {
          return code == Code::in_doubt || is_made == (code == Code::ok);
        };
        EXPECT_TRUE(agrees(adding, judge_->get(4).is_ok())) << name(adding);
        EXPECT_TRUE(agrees(changing, judge_->get(1).value().name == renamed.name)) << name(changing);
        EXPECT_TRUE(agrees(removing, !judge_->get(3).is_ok())) << name(removing);
        EXPECT_TRUE(accounts->change(2, {.is_active = true}));
        EXPECT_TRUE(judge_->get(2).value().is_active);
      });
  EXPECT_GT(runs, 10);
}

TEST_P(NoMemoryForPostgres, AListIsWholeOrFails) {
  std::unique_ptr<AccountRepository> accounts;
  std::optional<Result<std::vector<Account>>> page;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        accounts = open_filled();
        EXPECT_TRUE(accounts->ping());
      },
      [&] { page.emplace(accounts->list(0, 100)); },
      [&] {
        if (*page) {
          EXPECT_EQ((*page)->size(), 3u);
        }
        EXPECT_EQ(accounts->list(0, 100).value().size(), 3u);
      });
  EXPECT_GT(runs, 3);
}

// After `lost`, and only then, comes `all` before anything else is believed; no change is missed without it.
TEST_P(NoMemoryForPostgres, AChangeIsToldOrTheWatchIsLost) {
  std::unique_ptr<AccountRepository> accounts;
  std::unique_ptr<AccountRepository> watcher;
  std::vector<AccountId> changed;
  std::array<AccountWatch, 4> seen{};
  const auto wait_for_all = [&] {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    AccountWatch last{};
    while ((last = watcher->wait_for_changes(10ms, changed)) != AccountWatch::all &&
           std::chrono::steady_clock::now() < deadline) {
    }
    return last;
  };
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        accounts = open_filled();
        watcher = accounts->another();
        ASSERT_EQ(wait_for_all(), AccountWatch::all);
        while (watcher->wait_for_changes(0ms, changed) != AccountWatch::quiet) {
        }
        changed.clear();
        server_.sql(database_, "UPDATE accounts SET is_active = NOT is_active WHERE id = 2");
        std::this_thread::sleep_for(260ms);  // so that a proof is due, too: not that it must be
      },
      [&] {
        for (AccountWatch& one : seen) one = watcher->wait_for_changes(5ms, changed);
      },
      [&] {
        bool is_told = std::find(changed.begin(), changed.end(), 2) != changed.end();
        bool is_lost = false;
        for (const AccountWatch one : seen) {
          if (one == AccountWatch::all) is_told = true;
          if (one == AccountWatch::lost) is_lost = true;
          if (one == AccountWatch::all) is_lost = false;
          EXPECT_FALSE(is_lost && (one == AccountWatch::quiet || one == AccountWatch::some));
        }
        if (is_lost) {
          EXPECT_EQ(wait_for_all(), AccountWatch::all);
          is_told = true;
        }
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (!is_told && std::chrono::steady_clock::now() < deadline) {
          const AccountWatch one = watcher->wait_for_changes(10ms, changed);
          is_told = one == AccountWatch::all || std::find(changed.begin(), changed.end(), 2) != changed.end();
        }
        EXPECT_TRUE(is_told);
      },
      GetParam() == MemoryFault::once ? 2 : 7);
  EXPECT_GT(runs, 5);
}

}  // namespace
}  // namespace tracking::test
