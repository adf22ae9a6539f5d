#include "history/account_filter.h"

#include <gtest/gtest.h>

#include <array>

namespace tracking::history {
namespace {

constexpr std::uint64_t here = 100;
constexpr AccountId hole = 0;  // what stands where no event does

constexpr std::array<AccountId, 1> one{7};
constexpr std::array<AccountId, 2> two{7, 8};

TEST(AccountFilter, EveryAccountMatchesButNoHole) {
  const AccountFilter filter({}, 0);
  EXPECT_TRUE(filter.matches(7, 1));
  EXPECT_FALSE(filter.matches(hole, 1));
}

TEST(AccountFilter, ASingleAccountMatchesFromItsPositionOn) {
  const AccountFilter filter(one, here);
  EXPECT_TRUE(filter.matches(7, here));
  EXPECT_FALSE(filter.matches(7, here - 1));
  EXPECT_FALSE(filter.matches(8, here));
  EXPECT_FALSE(filter.matches(hole, here));
}

TEST(AccountFilter, SeveralAccountsMatchEachFromItsPositionOn) {
  const AccountFilter filter = AccountFilter(one, 0).changed(two, here);
  EXPECT_TRUE(filter.matches(7, 1)) << "it stayed";
  EXPECT_TRUE(filter.matches(8, here));
  EXPECT_FALSE(filter.matches(8, here - 1));
  EXPECT_FALSE(filter.matches(9, here));
  EXPECT_FALSE(filter.matches(hole, here));
}

TEST(AccountFilter, OfSeveralAccountsASingleOneIsLeft) {
  const AccountFilter filter = AccountFilter(two, 0).changed(one, here);
  EXPECT_TRUE(filter.matches(7, 1));
  EXPECT_FALSE(filter.matches(8, here));
}

TEST(AccountFilter, ASingleAccountBecomesAll) {
  const AccountFilter filter = AccountFilter(one, 0).changed({}, here);
  EXPECT_TRUE(filter.matches(7, 1));
  EXPECT_TRUE(filter.matches(8, here));
  EXPECT_FALSE(filter.matches(8, here - 1));
  EXPECT_FALSE(filter.single());
}

TEST(AccountFilter, AllAccountsBecomeASingleOne) {
  const AccountFilter filter = AccountFilter({}, 0).changed(one, here);
  EXPECT_TRUE(filter.matches(7, 1));
  EXPECT_FALSE(filter.matches(8, here));
  EXPECT_EQ(filter.single(), 7);
}

TEST(AccountFilter, ARestartedOneMatchesFromAnyPositionOn) {
  const AccountFilter single = AccountFilter(one, here).restarted();
  EXPECT_TRUE(single.matches(7, 1));
  EXPECT_FALSE(single.matches(8, here));
  const AccountFilter several = AccountFilter(two, here).restarted();
  EXPECT_TRUE(several.matches(8, 1));
  EXPECT_FALSE(several.matches(9, here));
}

}  // namespace
}  // namespace tracking::history
