// What comes over the channel, where anyone may say anything.
#include <gtest/gtest.h>

#include "../../libtracking/src/postgres/change_notice.h"

namespace tracking::postgres_accounts {
namespace {

ToldChanges told(std::string_view notice) {
  ToldChanges changes;
  changes.take(notice, 16384);
  return changes;
}

TEST(ChangeNotice, TellsIds) {
  EXPECT_EQ(told("1 16384 7").ids, std::vector<AccountId>{7});
  EXPECT_EQ(told("1 16384 7 9223372036854775807").ids, (std::vector<AccountId>{7, 9223372036854775807}));
  EXPECT_FALSE(told("1 16384 7").all);
}

TEST(ChangeNotice, TellsAll) { EXPECT_TRUE(told("1 16384 all").all); }

TEST(ChangeNotice, OfAnotherTableIsPassedOver) {
  EXPECT_TRUE(told("1 16385 7").is_empty());
  EXPECT_TRUE(told("1 16385 all").is_empty());
}

TEST(ChangeNotice, ThatCannotBeReadMayMeanAnything) {
  for (const std::string_view notice : {"", "1", "1 16384", "2 16384 7", "1 16384 seven",
                                        "1 16384 7 99999999999999999999", "1 x 7", "hello", "1 16384 7\n"}) {
    EXPECT_TRUE(told(notice).all) << notice;
  }
}

TEST(ChangeNotice, IdsThatNoAccountHasArePassedOver) { EXPECT_TRUE(told("1 16384 0 -5").is_empty()); }

TEST(ChangeNotice, MoreIdsThanAreWorthReadingOneByOneBecomeAll) {
  ToldChanges changes;
  for (std::size_t i = 0; i < ToldChanges::ids_max; ++i) changes.take("1 16384 7", 16384);
  EXPECT_FALSE(changes.all);
  changes.take("1 16384 7", 16384);
  EXPECT_TRUE(changes.all);
}

}  // namespace
}  // namespace tracking::postgres_accounts
