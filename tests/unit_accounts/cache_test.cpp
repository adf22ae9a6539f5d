// The table of remembered answers.
#include "engine/account_cache.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace tracking::engine {
namespace {

constexpr AccountId largest_id = std::numeric_limits<AccountId>::max();

Remembered active(Ticks verified = 1) { return {.state = AccountState::active, .verified = verified}; }

bool knows(const AccountCache& cache, AccountId id) {
  Remembered remembered;
  return cache.find(id, remembered);
}

TEST(AccountCache, RemembersWhatWasStored) {
  AccountCache cache(1000);
  Remembered remembered;
  EXPECT_FALSE(cache.find(1, remembered));
  cache.store(1, {.state = AccountState::inactive, .verified = 1234567890123, .is_doubted = true});
  cache.store(largest_id, {.state = AccountState::unknown, .verified = 7});
  ASSERT_TRUE(cache.find(1, remembered));
  EXPECT_EQ(remembered.state, AccountState::inactive);
  EXPECT_EQ(remembered.verified, Ticks{1234567890123} & ((Ticks{1} << 40) - 1));
  EXPECT_TRUE(remembered.is_doubted);
  ASSERT_TRUE(cache.find(largest_id, remembered));
  EXPECT_EQ(remembered.state, AccountState::unknown);
  EXPECT_FALSE(remembered.is_doubted);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(AccountCache, StoringAgainReplacesAndErasingForgets) {
  AccountCache cache(1000);
  cache.store(1, active(5));
  cache.store(1, {.state = AccountState::inactive, .verified = 6});
  Remembered remembered;
  ASSERT_TRUE(cache.find(1, remembered));
  EXPECT_EQ(remembered.state, AccountState::inactive);
  EXPECT_EQ(remembered.verified, 6U);
  EXPECT_EQ(cache.size(), 1U);
  cache.erase(1);
  EXPECT_FALSE(cache.find(1, remembered));
  cache.erase(1);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(AccountCache, OneAsksForARefresh) {
  AccountCache cache(1000);
  EXPECT_FALSE(cache.ask_refresh(1));
  cache.store(1, active());
  EXPECT_TRUE(cache.ask_refresh(1));
  EXPECT_FALSE(cache.ask_refresh(1));
  Remembered remembered;
  ASSERT_TRUE(cache.find(1, remembered));
  EXPECT_TRUE(remembered.refresh_asked);
  cache.store(1, active(2));
  EXPECT_TRUE(cache.ask_refresh(1));
}

TEST(AccountCache, NeverHoldsMoreThanItMay) {
  for (const std::size_t entries_max : {1, 2, 10, 1000}) {
    AccountCache cache(entries_max);
    for (AccountId id = 1; id <= 5000; ++id) {
      cache.store(id, active());
      ASSERT_TRUE(knows(cache, id)) << "the newest";
      ASSERT_LE(cache.size(), entries_max);
    }
    std::size_t found = 0;
    for (AccountId id = 1; id <= 5000; ++id) found += knows(cache, id);
    EXPECT_EQ(found, cache.size());
  }
}

TEST(AccountCache, HoldsNearlyAllThatItMay) {
  AccountCache cache(100'000);
  for (AccountId id = 1; id <= 100'000; ++id) cache.store(id, active());
  EXPECT_GT(cache.size(), 99'800U);
  EXPECT_LE(cache.bytes(), 100'000U * 32);
}

TEST(AccountCache, WhatIsUsedStays) {
  AccountCache cache(1000);
  for (AccountId id = 1; id <= 100; ++id) cache.store(id, active());
  for (AccountId id = 1000; id < 20'000; ++id) {
    cache.store(id, active());
    for (AccountId used = 1; used <= 100; used += 10) knows(cache, used);
  }
  int kept = 0;
  for (AccountId used = 1; used <= 100; used += 10) kept += knows(cache, used);
  EXPECT_GE(kept, 9);
}

TEST(AccountCache, IsSmallWhileItIsEmpty) {
  AccountCache cache(1'000'000);
  EXPECT_LE(cache.bytes(), 16U << 10);
}

// What is stored of an account follows from its id, so that a mixed-up entry shows. The table grows, evicts, erases and
// takes again meanwhile.
TEST(AccountCache, ReadersNeverSeeAnotherAccountsAnswer) {
  constexpr AccountId ids = 3000;
  AccountCache cache(2000);
  std::atomic<bool> is_done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      std::uint64_t seen = 0;
      for (AccountId id = 1 + i; !is_done || seen == 0; id = id % ids + 1) {
        Remembered remembered;
        if (!cache.find(id, remembered)) continue;
        ++seen;
        ASSERT_EQ(remembered.verified % ids, static_cast<Ticks>(id % ids));
        ASSERT_EQ(remembered.state, id % 2 ? AccountState::active : AccountState::inactive);
        if (id % 7 == 0) cache.ask_refresh(id);
      }
    });
  }
  std::uint64_t random = 1;
  for (int i = 0; i < 300'000; ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const AccountId id = static_cast<AccountId>((random >> 33) % ids) + 1;
    if (i % 5 == 0) {
      cache.erase(id);
    } else {
      cache.store(id,
                  {.state = id % 2 ? AccountState::active : AccountState::inactive,
                   .verified = static_cast<Ticks>(id % ids) + static_cast<Ticks>(ids) * static_cast<Ticks>(i % 100)});
    }
  }
  is_done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace tracking::engine
