#include "http/account_filter.h"

#include "script_server.h"

#include <gtest/gtest.h>

namespace tracking::remote {
namespace {

using test::cursor;
using test::position;

constexpr Timestamp early{std::chrono::seconds(100)}, late{std::chrono::seconds(200)};

StartMark behind(std::uint64_t number) { return {.after = position(number), .from = late}; }

TEST(AccountFilter, EmptyIsEveryAccount) {
  const AccountFilter filter({});
  EXPECT_TRUE(filter.wants(1, early, cursor(1)));
  EXPECT_FALSE(filter.adds(std::vector<AccountId>{5}));
}

TEST(AccountFilter, AnAddedAccountBeginsBehindTheChange) {
  AccountFilter filter({1});
  filter.change(std::vector<AccountId>{1, 2}, behind(10));
  EXPECT_TRUE(filter.wants(1, early, cursor(5)));
  EXPECT_FALSE(filter.wants(2, late, cursor(10)));
  EXPECT_TRUE(filter.wants(2, early, cursor(11)));
  EXPECT_FALSE(filter.wants(3, late, cursor(11)));
}

TEST(AccountFilter, EveryoneBeginsBehindTheChangeButThoseWhoWereThere) {
  AccountFilter filter({1});
  filter.change({}, behind(10));
  EXPECT_TRUE(filter.wants(1, early, cursor(5)));
  EXPECT_FALSE(filter.wants(2, late, cursor(5)));
  EXPECT_TRUE(filter.wants(2, early, cursor(11)));
}

TEST(AccountFilter, AMarkOutlivesFurtherChanges) {
  AccountFilter filter({1});
  filter.change({}, behind(10));
  filter.change(std::vector<AccountId>{1, 2, 3}, behind(20));
  EXPECT_TRUE(filter.wants(1, early, cursor(5)));
  EXPECT_FALSE(filter.wants(2, late, cursor(5)));
  EXPECT_TRUE(filter.wants(2, early, cursor(15))) << "account 2 was there before the second change";
}

TEST(AccountFilter, AnAccountThatWasRemovedAndAddedAgainBeginsAnew) {
  AccountFilter filter({1, 2});
  filter.change(std::vector<AccountId>{1}, behind(10));
  filter.change(std::vector<AccountId>{1, 2}, behind(20));
  EXPECT_FALSE(filter.wants(2, late, cursor(15)));
  EXPECT_TRUE(filter.wants(2, early, cursor(21)));
}

TEST(AccountFilter, PositionsOfAnotherIncarnationAreComparedByTime) {
  AccountFilter filter({1});
  filter.change(std::vector<AccountId>{1, 2}, behind(10));
  Cursor restarted = position(3);
  restarted.incarnation = 8;
  EXPECT_TRUE(filter.wants(2, late, to_text(restarted)));
  EXPECT_FALSE(filter.wants(2, early, to_text(restarted)));
}

TEST(AccountFilter, WithoutAPositionTimeDecides) {
  AccountFilter filter({1});
  filter.change(std::vector<AccountId>{1, 2}, {.from = late});
  EXPECT_TRUE(filter.wants(2, late, "c_opaque"));
  EXPECT_FALSE(filter.wants(2, early, "c_opaque"));
}

}  // namespace
}  // namespace tracking::remote
