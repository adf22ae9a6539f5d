// What every account repository must do.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "contract/account_backends.h"

namespace tracking::contract {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;  // for what must come
constexpr AccountId largest_id = std::numeric_limits<AccountId>::max();

class AccountRepositoryContract : public ::testing::TestWithParam<AccountBackend> {
 protected:
  AccountRepositoryContract() : store_(GetParam().make()), repository_(store_->open()) {}

  std::vector<AccountState> find(const std::vector<AccountId>& ids) {
    std::vector<AccountState> states(ids.size(), AccountState::active);
    const Status status = repository_->find(ids, states);
    EXPECT_TRUE(status) << status.message();
    return states;
  }
  void add(AccountId id, bool is_active = true, const std::string& name = "someone") {
    const Status status = repository_->add({id, name, is_active});
    ASSERT_TRUE(status) << status.message();
  }
  std::vector<AccountId> page(AccountId after, std::size_t limit) {
    std::vector<AccountId> ids;
    const std::vector<Account> accounts = repository_->list(after, limit).value();
    for (const Account& account : accounts) ids.push_back(account.id);
    return ids;
  }

  std::unique_ptr<AccountStore> store_;
  std::unique_ptr<AccountRepository> repository_;
};

TEST_P(AccountRepositoryContract, KnowsNobodyAtFirst) {
  EXPECT_EQ(find({1, 2, largest_id}), std::vector(3, AccountState::unknown));
  EXPECT_EQ(page(0, 10), std::vector<AccountId>());
  EXPECT_EQ(repository_->get(1).code(), Code::not_found);
  EXPECT_TRUE(repository_->ping());
}

TEST_P(AccountRepositoryContract, FindsStatesInTheOrderAsked) {
  add(3, true);
  add(1, false);
  EXPECT_EQ(find({2, 3, 1}), (std::vector{AccountState::unknown, AccountState::active, AccountState::inactive}));
}

TEST_P(AccountRepositoryContract, FindOfNothingIsFine) { EXPECT_TRUE(find({}).empty()); }

TEST_P(AccountRepositoryContract, FindsAThousandAtOnce) {
  for (AccountId id = 2; id <= 200; id += 2) add(id, id % 4 == 0);
  std::vector<AccountId> ids(1000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<AccountId>(1000 - i);
  const std::vector<AccountState> states = find(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const AccountState expected = ids[i] > 200 || ids[i] % 2 ? AccountState::unknown
                                  : ids[i] % 4 == 0          ? AccountState::active
                                                             : AccountState::inactive;
    ASSERT_EQ(states[i], expected) << ids[i];
  }
}

TEST_P(AccountRepositoryContract, KnowsTheSmallestAndTheLargestId) {
  add(1);
  add(largest_id, false);
  add(9007199254740993);  // 2^53 + 1: lost by anything that goes through a double
  EXPECT_EQ(find({largest_id, largest_id - 1, 1, 9007199254740993, 9007199254740992}),
            (std::vector{AccountState::inactive, AccountState::unknown, AccountState::active, AccountState::active,
                         AccountState::unknown}));
  EXPECT_EQ(page(0, 10), (std::vector<AccountId>{1, 9007199254740993, largest_id}));
  EXPECT_EQ(repository_->get(largest_id).value().id, largest_id);
}

TEST_P(AccountRepositoryContract, AddingTwiceLeavesTheFirst) {
  add(7, false, "first");
  EXPECT_EQ(repository_->add({7, "second", true}).code(), Code::account_exists);
  const Account account = repository_->get(7).value();
  EXPECT_EQ(account.name, "first");
  EXPECT_FALSE(account.is_active);
}

TEST_P(AccountRepositoryContract, KeepsNamesAsTheyAre) {
  std::string longest;
  for (int i = 0; i < 200; ++i) longest += "ü";
  const std::vector<std::string> names = {
      "O'Hara \"the\" \\ %s ?1", "'; DROP TABLE accounts; --", "  spaces  ", "日本語 🚀", "1", "null", longest};
  for (std::size_t i = 0; i < names.size(); ++i) add(static_cast<AccountId>(i + 1), true, names[i]);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(repository_->get(static_cast<AccountId>(i + 1)).value().name, names[i]);
    EXPECT_EQ(repository_->list(static_cast<AccountId>(i), 1).value().at(0).name, names[i]);
  }
}

TEST_P(AccountRepositoryContract, ChangesOnlyWhatIsSet) {
  add(5, true, "old");
  Account account = repository_->change(5, {.name = "new"}).value();
  EXPECT_EQ(account.name, "new");
  EXPECT_TRUE(account.is_active);
  account = repository_->change(5, {.is_active = false}).value();
  EXPECT_EQ(account.name, "new");
  EXPECT_FALSE(account.is_active);
  account = repository_->change(5, {}).value();
  EXPECT_EQ(account.id, 5);
  EXPECT_EQ(account.name, "new");
  EXPECT_EQ(find({5}), std::vector{AccountState::inactive});
  account = repository_->change(5, {.name = "both", .is_active = true}).value();
  EXPECT_EQ(account.name, "both");
  EXPECT_EQ(find({5}), std::vector{AccountState::active});
}

TEST_P(AccountRepositoryContract, ChangingAndRemovingNobodyIsNotFound) {
  EXPECT_EQ(repository_->change(5, {.name = "new"}).code(), Code::not_found);
  EXPECT_EQ(repository_->remove(5).code(), Code::not_found);
  EXPECT_EQ(find({5}), std::vector{AccountState::unknown});
}

TEST_P(AccountRepositoryContract, RemovesAndTakesAgain) {
  add(5);
  EXPECT_TRUE(repository_->remove(5));
  EXPECT_EQ(find({5}), std::vector{AccountState::unknown});
  EXPECT_EQ(repository_->remove(5).code(), Code::not_found);
  add(5, false, "again");
  EXPECT_EQ(repository_->get(5).value().name, "again");
}

TEST_P(AccountRepositoryContract, ListsByIdInPages) {
  for (const AccountId id : {30, 10, 50, 20, 40}) add(id);
  EXPECT_EQ(page(0, 2), (std::vector<AccountId>{10, 20}));
  EXPECT_EQ(page(20, 2), (std::vector<AccountId>{30, 40}));
  EXPECT_EQ(page(40, 2), (std::vector<AccountId>{50}));
  EXPECT_EQ(page(50, 2), (std::vector<AccountId>{}));
  EXPECT_EQ(page(35, 1), (std::vector<AccountId>{40}));
  EXPECT_EQ(page(0, 1000), (std::vector<AccountId>{10, 20, 30, 40, 50}));
  EXPECT_EQ(page(largest_id, 10), (std::vector<AccountId>{}));
}

TEST_P(AccountRepositoryContract, AnotherInstanceSeesChangesAtOnce) {
  auto another = repository_->another();
  ASSERT_TRUE(another);
  add(1);
  const std::vector<AccountId> ids{1};
  std::vector<AccountState> states(1);
  ASSERT_TRUE(another->find(ids, states));
  EXPECT_EQ(states[0], AccountState::active);
  ASSERT_TRUE(another->change(1, {.is_active = false}));
  EXPECT_EQ(find({1}), std::vector{AccountState::inactive});
}

/// What one call told, or several.
struct Watched {
  bool all = false;
  std::set<AccountId> some;
  bool covers(AccountId id) const { return all || some.count(id) > 0; }
};

const std::atomic<bool> changed_already{true};

/// Ends when the account was told, or when it was not for long after its change was made.
Watched watch_until(AccountRepository& watcher, AccountId id, const std::atomic<bool>& is_changed = changed_already) {
  Watched watched;
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!watched.covers(id) && std::chrono::steady_clock::now() < deadline) {
    if (!is_changed.load()) deadline = std::chrono::steady_clock::now() + patience;
    std::vector<AccountId> changed;
    const AccountWatch seen = watcher.wait_for_changes(20ms, changed);
    watched.all = watched.all || seen == AccountWatch::all;
    if (seen == AccountWatch::some) watched.some.insert(changed.begin(), changed.end());
    EXPECT_TRUE(seen == AccountWatch::some || changed.empty());
  }
  return watched;
}

/// The first calls may tell `all`, because nobody watched before.
void watch_until_quiet(AccountRepository& watcher) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::vector<AccountId> changed;
  while (watcher.wait_for_changes(1ms, changed) != AccountWatch::quiet) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
}

TEST_P(AccountRepositoryContract, WatchTellsWhatAnotherInstanceChanges) {
  auto watcher = repository_->another();
  watch_until_quiet(*watcher);
  add(1);
  EXPECT_TRUE(watch_until(*watcher, 1).covers(1));
  watch_until_quiet(*watcher);
  ASSERT_TRUE(repository_->change(1, {.is_active = false}));
  EXPECT_TRUE(watch_until(*watcher, 1).covers(1));
  watch_until_quiet(*watcher);
  ASSERT_TRUE(repository_->remove(1));
  EXPECT_TRUE(watch_until(*watcher, 1).covers(1));
}

TEST_P(AccountRepositoryContract, WatchMissesNoneOfThousands) {
  auto watcher = repository_->another();
  watch_until_quiet(*watcher);
  constexpr AccountId last = 1500;  // more than a watcher may be behind
  std::atomic<bool> is_changed{false};
  std::thread writer([&] {
    add(1);
    for (AccountId i = 0; i < last; ++i) {
      if (i % 10 == 0 || GetParam().name != "sqlite")
        repository_->change(1, {.is_active = i % 2 == 0}).error().ignore();
    }
    add(last);
    is_changed = true;
  });
  const Watched watched = watch_until(*watcher, last, is_changed);
  writer.join();
  EXPECT_TRUE(watched.covers(last));
  EXPECT_TRUE(watched.covers(1));
}

TEST_P(AccountRepositoryContract, QuietWatchEndsAfterItsTimeout) {
  auto watcher = repository_->another();
  watch_until_quiet(*watcher);
  std::vector<AccountId> changed;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(watcher->wait_for_changes(30ms, changed), AccountWatch::quiet);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, 25ms);
  EXPECT_LT(took, 2s);
  EXPECT_TRUE(changed.empty());
}

TEST_P(AccountRepositoryContract, InstancesWorkAtTheSameTime) {
  add(1);
  std::atomic<bool> is_done = false;
  std::vector<std::thread> readers;
  std::atomic<int> found = 0;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, reader = std::shared_ptr<AccountRepository>(repository_->another())] {
      const std::vector<AccountId> ids{1, 2};
      std::vector<AccountState> states(2);
      while (!is_done) {
        if (!reader->find(ids, states)) continue;  // the writer had the file
        EXPECT_EQ(states[0], AccountState::active);
        ++found;
      }
    });
  }
  auto writer = repository_->another();
  for (int i = 0; i < 20; ++i) {
    writer->add({2, "comes", true}).ignore();
    writer->remove(2).ignore();
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (found < 30 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  is_done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GE(found, 30);
}

TEST_P(AccountRepositoryContract, InstancesMayOutliveTheFirst) {
  add(1);
  auto another = repository_->another();
  repository_.reset();
  repository_ = std::move(another);
  EXPECT_EQ(find({1}), std::vector{AccountState::active});
}

INSTANTIATE_TEST_SUITE_P(Accounts, AccountRepositoryContract, ::testing::ValuesIn(account_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace tracking::contract
