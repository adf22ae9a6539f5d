// Percentiles of the histogram against those of the sorted values.
#include "bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace tracking::cli {
namespace {

TEST(LatencyHistogram, AnEmptyOneSaysNothing) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(0.99), 0);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(LatencyHistogram, OneValueIsEveryPercentile) {
  for (const std::int64_t value : {0, 1, 255, 256, 257, 1'000'000, 123'456'789}) {
    LatencyHistogram histogram;
    histogram.record(value);
    for (const double fraction : {0.0, 0.5, 0.9999, 1.0}) EXPECT_EQ(histogram.percentile(fraction), value);
    EXPECT_EQ(histogram.max(), value);
  }
}

TEST(LatencyHistogram, PercentilesAreThoseOfTheSortedValuesWithinAHundredth) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(12, 2);  // 160 us in the middle, with a long tail
  std::vector<std::int64_t> values(100'000);
  LatencyHistogram histogram;
  for (auto& value : values) histogram.record(value = static_cast<std::int64_t>(latency(random)));
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size()))) - 1;
    const auto exact = static_cast<double>(values[rank]);
    EXPECT_GE(static_cast<double>(histogram.percentile(fraction)), exact);
    EXPECT_LE(static_cast<double>(histogram.percentile(fraction)), exact * 1.01 + 1);
  }
  EXPECT_EQ(histogram.percentile(1), values.back());
}

TEST(LatencyHistogram, WhatIsOutOfRangeCountsAtItsEnd) {
  LatencyHistogram histogram;
  histogram.record(-5);
  histogram.record(INT64_MAX);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.percentile(0.5), 0);
  EXPECT_EQ(histogram.max(), (std::int64_t{1} << 43) - 1);
}

}  // namespace
}  // namespace tracking::cli
