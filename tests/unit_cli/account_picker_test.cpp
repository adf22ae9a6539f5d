// Accounts as ranges, and how often each is picked.
#include "bench/account_picker.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tracking::cli {
namespace {

TEST(AccountRanges, IndexesRunThroughAllRanges) {
  const auto ranges = AccountRanges::parse({"5", "10-12,20"}).value();
  ASSERT_EQ(ranges.size(), 5u);
  const std::vector<AccountId> expected{5, 10, 11, 12, 20};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(ranges.at(i), expected[i]);
}

TEST(AccountRanges, TenMillionAreOneRange) {
  const auto ranges = AccountRanges::parse({"1-10000000"}).value();
  EXPECT_EQ(ranges.at(9'999'999), 10'000'000);
}

TEST(AccountRanges, WhatIsNoAccountIsRefused) {
  for (const std::string text : {"", "0", "-1", "3-2", "x", "1-", "9223372036854775808", "1,,2"}) {
    EXPECT_FALSE(AccountRanges::parse({text})) << text;
  }
}

// Each of the first ranks is picked as often as 1/rank^s says, within five standard deviations.
void expect_zipf(double exponent) {
  constexpr std::uint64_t size = 1'000;
  constexpr int picks = 200'000;
  const Zipf zipf(size, exponent);
  Random random;
  std::vector<int> counts(size);
  for (int i = 0; i < picks; ++i) ++counts.at(zipf.pick(random));
  double sum = 0;
  for (std::uint64_t rank = 1; rank <= size; ++rank) sum += std::pow(rank, -exponent);
  for (std::uint64_t rank = 1; rank <= 10; ++rank) {
    const double share = std::pow(rank, -exponent) / sum;
    const double deviation = std::sqrt(picks * share * (1 - share));
    EXPECT_NEAR(counts[rank - 1], picks * share, 5 * deviation + 1) << "rank " << rank << " of " << exponent;
  }
}

TEST(Zipf, RanksArePickedByTheirShare) {
  for (const double exponent : {0.5, 1.0, 1.2, 3.0}) expect_zipf(exponent);
}

TEST(Zipf, OneAccountIsPickedAlways) {
  const Zipf zipf(1, 1);
  Random random;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(zipf.pick(random), 0u);
}

}  // namespace
}  // namespace tracking::cli
