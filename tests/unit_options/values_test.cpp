#include <common/values.h>

#include <gmock/gmock.h>

#include <limits>

namespace tracking::apps {
namespace {

using namespace std::chrono_literals;

TEST(Values, IntegersAreDigitsAlone) {
  EXPECT_EQ(parse_integer("0"), 0u);
  EXPECT_EQ(parse_integer("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const auto* wrong : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "18446744073709551616"}) {
    EXPECT_EQ(parse_integer(wrong), std::nullopt) << wrong;
  }
}

TEST(Values, SizesHaveBinaryOrDecimalUnits) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("7B"), 7u);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("10MiB"), 10u << 20);
  EXPECT_EQ(parse_size("10GiB"), 10ull << 30);
  EXPECT_EQ(parse_size("3kB"), 3000u);
  EXPECT_EQ(parse_size("16777215TiB"), 16777215ull << 40);
  for (const auto* wrong : {"", "KiB", "-1", "1.5MiB", "1 MiB", "1mib", "1K", "12XB", "16777216TiB", "1MiBMiB"}) {
    EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
  }
}

TEST(Values, DurationsAreSumsOfFallingUnits) {
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("7d"), 7 * 24h);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1m1ms"), 1min + 1ms);
  for (const auto* wrong : {"", "30", "s", "-1s", "1.5s", "30m1h", "1s1s", "1 s", "1w", "1S", "106751991168d"}) {
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
  }
}

TEST(Values, FormattedValuesAreReadBack) {
  for (const std::uint64_t bytes : {0ull, 1ull, 1000ull, 1024ull, 65536ull, 65537ull, 10ull << 30}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes);
  }
  for (const auto duration : {0ms, 1ms, 1000ms, 61'001ms, 90'000'000ms}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration);
  }
  EXPECT_EQ(format_size(262144), "256KiB");
  EXPECT_EQ(format_duration(300s), "5m");
}

TEST(Values, FlagsHaveFourSpellings) {
  EXPECT_EQ(parse_flag("yes"), true);
  EXPECT_EQ(parse_flag("0"), false);
  EXPECT_EQ(parse_flag("2"), std::nullopt);
  EXPECT_EQ(parse_flag("True"), std::nullopt);
}

}  // namespace
}  // namespace tracking::apps
