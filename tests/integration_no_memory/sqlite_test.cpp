// Accounts in an SQLite file while allocations fail: a call fails as a whole, and the next one works.
#include <gtest/gtest.h>
#include <tracking/backends.h>
#include <tracking/sqlite.h>

#include <array>
#include <optional>

#include "support/no_memory.h"
#include "support/temporary_folder.h"

namespace tracking::test {
namespace {

class NoMemoryForSqlite : public ::testing::TestWithParam<MemoryFault> {
 protected:
  std::unique_ptr<AccountRepository> open() {
    auto opened = backends_.open_accounts(context_);
    return opened ? std::move(*opened) : nullptr;
  }
  // A new file with accounts 1, 2 (inactive) and 3.
  void start_anew() {
    folder_.emplace();
    context_ = {.url = BackendUrl::parse("sqlite:accounts.db").value(), .data_dir = folder_->path()};
  }
  std::unique_ptr<AccountRepository> open_filled() {
    start_anew();
    auto accounts = open();
    accounts->add({.id = 1, .name = long_name}).ignore();
    accounts->add({.id = 2, .name = long_name, .is_active = false}).ignore();
    accounts->add({.id = 3, .name = long_name}).ignore();
    return accounts;
  }

  const std::string long_name = std::string(100, 'n');
  const Backends backends_{sqlite()};
  std::optional<TemporaryFolder> folder_;
  BackendContext context_;
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForSqlite, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

constexpr std::array<AccountId, 3> asked{1, 2, 9};
constexpr std::array<AccountState, 3> answers{AccountState::active, AccountState::inactive, AccountState::unknown};

TEST_P(NoMemoryForSqlite, AFileThatCouldNotBeMadeIsMadeTheNextTime) {
  std::unique_ptr<AccountRepository> accounts;
  const int runs = for_each_allocation(
      GetParam(), [&] { start_anew(); }, [&] { accounts = open(); },
      [&] {
        if (!accounts) accounts = open();
        ASSERT_TRUE(accounts);
        EXPECT_TRUE(accounts->add({.id = 1, .name = "one"}));
        EXPECT_EQ(accounts->get(1).value().name, "one");
      });
  EXPECT_GT(runs, 10);
}

TEST_P(NoMemoryForSqlite, ALookupIsRightOrFails) {
  std::unique_ptr<AccountRepository> accounts;
  std::unique_ptr<AccountRepository> second;
  std::array<AccountState, 3> states{};
  bool is_found = false;
  const auto look_up = [&] {
    second = accounts->another();
    is_found = second && second->find(asked, states);
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
  EXPECT_GT(runs, 5);
}

// A failed one is undone and holds no lock; what was said to be done is done, once.
TEST_P(NoMemoryForSqlite, AChangeIsMadeOrNot) {
  std::unique_ptr<AccountRepository> accounts;
  const Account added{.id = 4, .name = long_name};
  const AccountChange renamed{.name = "another name that is too long to be kept in place"};
  bool is_added = false;
  bool is_changed = false;
  bool is_removed = false;
  const int runs = for_each_allocation(
      GetParam(), [&] { accounts = open_filled(); },
      [&] {
        is_added = accounts->add(added).is_ok();
        is_changed = accounts->change(1, renamed).is_ok();
        is_removed = accounts->remove(3).is_ok();
      },
      [&] {
        auto other = open();  // another connection: it meets the lock, if there is one
        ASSERT_TRUE(other->change(2, {.is_active = true}));
        EXPECT_EQ(other->get(4).is_ok(), is_added);
        EXPECT_EQ(other->get(1).value().name == renamed.name, is_changed);
        EXPECT_EQ(other->get(3).is_ok(), !is_removed);
        EXPECT_EQ(accounts->add(added).code(), is_added ? Code::account_exists : Code::ok);
        EXPECT_EQ(accounts->change(1, renamed).value().name, renamed.name);
        EXPECT_EQ(accounts->remove(3).code(), is_removed ? Code::not_found : Code::ok);
      });
  EXPECT_GT(runs, 2);
}

TEST_P(NoMemoryForSqlite, AListIsWholeOrFails) {
  std::unique_ptr<AccountRepository> accounts;
  std::optional<Result<std::vector<Account>>> page;
  const int runs = for_each_allocation(
      GetParam(), [&] { accounts = open_filled(); }, [&] { page.emplace(accounts->list(0, 100)); },
      [&] {
        if (*page) {
          EXPECT_EQ((*page)->size(), 3u);
        }
        EXPECT_EQ(accounts->list(0, 100).value().size(), 3u);
      });
  EXPECT_GT(runs, 3);
}

TEST_P(NoMemoryForSqlite, ALostWatchIsTakenUpAgain) {
  std::unique_ptr<AccountRepository> accounts;
  std::unique_ptr<AccountRepository> watcher;
  std::vector<AccountId> changed;
  AccountWatch first{};
  AccountWatch second{};
  const std::chrono::milliseconds at_once{0};
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        accounts = open_filled();
        watcher = accounts->another();
      },
      [&] {
        first = watcher->wait_for_changes(at_once, changed);
        second = watcher->wait_for_changes(at_once, changed);
      },
      [&] {
        EXPECT_TRUE(first == AccountWatch::all || first == AccountWatch::lost);
        EXPECT_NE(second, AccountWatch::some);
        if (first == AccountWatch::lost && second == AccountWatch::lost) {
          EXPECT_EQ(watcher->wait_for_changes(at_once, changed), AccountWatch::all);
        }
        EXPECT_TRUE(accounts->change(2, {.is_active = true}));
        EXPECT_EQ(watcher->wait_for_changes(at_once, changed), AccountWatch::all);
        EXPECT_EQ(watcher->wait_for_changes(at_once, changed), AccountWatch::quiet);
      });
  EXPECT_GT(runs, 1);
}

// The whole way: 503 for what could not be asked, never a wrong answer, and with memory again all is known.
TEST_P(NoMemoryForSqlite, AnEventIsAnsweredHonestly) {
  std::unique_ptr<TrackingService> service;
  std::array<Code, asked.size()> codes{};
  const std::array<Event, asked.size()> events{Event{.account_id = 1, .data = "1"}, Event{.account_id = 2, .data = "1"},
                                               Event{.account_id = 9, .data = "1"}};
  constexpr std::array<Code, asked.size()> expected{Code::ok, Code::inactive_account, Code::unknown_account};
  for_each_allocation(
      GetParam(),
      [&] {
        service.reset();
        open_filled();
        service = TrackingService::open(
                      {.accounts = "sqlite:accounts.db", .broker = "memory:", .data_dir = folder_->path()}, backends_)
                      .value();
      },
      [&] {
        for (std::size_t i = 0; i < events.size(); ++i) {
          const auto receipt = service->track(events[i]);
          codes[i] = receipt ? Code::ok : receipt.code();
        }
      },
      [&] {
        std::uint64_t accepted = 0;
        for (std::size_t i = 0; i < events.size(); ++i) {
          EXPECT_TRUE(codes[i] == expected[i] || is_retriable(codes[i])) << name(codes[i]);
          accepted += codes[i] == Code::ok;
        }
        EXPECT_EQ(delivered(*service).size(), accepted);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!service->track(events[0]) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
        for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(service->track(events[i]).code(), expected[i]);
      });
}

}  // namespace
}  // namespace tracking::test
