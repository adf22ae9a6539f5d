// Row 18 of the faults: what is known of repeats when there is no memory to remember more.
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "engine/duplicate_filter.h"
#include "support/no_memory.h"
#include "unit_engine/support.h"

namespace tracking::test {
namespace {

using engine::DuplicateFilter;
using Verdict = DuplicateFilter::Verdict;

constexpr std::size_t keys_max = 1'600;
constexpr std::size_t keys_count = 100;
constexpr std::chrono::nanoseconds window = 120s;

class DuplicatesWithoutMemory : public ::testing::TestWithParam<MemoryFault> {
 protected:
  void make_filter() {
    filter.emplace(keys_max, window);
    for (std::size_t i = 0; i < keys_count; ++i) keys[i] = filter->key(1, std::to_string(i));
  }
  Verdict begin(std::size_t i, std::chrono::nanoseconds now) { return filter->begin(keys[i], now, {}).verdict; }
  void settle(std::size_t i, bool is_accepted, std::chrono::nanoseconds now) {
    filter->settle(keys[i], is_accepted, Timestamp(1s), AckLevel::sent, now);
  }

  std::optional<DuplicateFilter> filter;
  std::array<DuplicateFilter::Key, keys_count> keys;
};
INSTANTIATE_TEST_SUITE_P(Faults, DuplicatesWithoutMemory, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(DuplicatesWithoutMemory, WhatWasTakenIsRememberedAndWhatWasRefusedIsNot) {
  std::array<Verdict, keys_count> verdicts{};
  const int runs = for_each_allocation(
      GetParam(), [&] { make_filter(); },
      [&] {
        for (std::size_t i = 0; i < keys_count; ++i) {
          // The later ones begin a generation of keys of their own.
          const auto now = i < keys_count / 2 ? window - 10s : window + 10s;
          verdicts[i] = begin(i, now);
          if (verdicts[i] == Verdict::fresh) settle(i, true, now);
        }
      },
      [&] {
        for (std::size_t i = 0; i < keys_count; ++i) {
          ASSERT_TRUE(verdicts[i] == Verdict::fresh || verdicts[i] == Verdict::no_memory);
          EXPECT_EQ(begin(i, window + 10s), verdicts[i] == Verdict::fresh ? Verdict::repeated : Verdict::fresh) << i;
        }
      });
  EXPECT_GT(runs, 50);
}

TEST_P(DuplicatesWithoutMemory, WhileTheFirstIsUnderWayARepeatWaitsForItOrIsRefused) {
  std::optional<DuplicateFilter::Answer> repeat;
  std::size_t handed_back = 0;
  for_each_allocation(
      GetParam(),
      [&] {
        make_filter();
        ASSERT_EQ(begin(0, 1s), Verdict::fresh);
      },
      [&] {
        repeat = filter->begin(keys[0], 1s, {});
        handed_back = filter->settle(keys[0], true, Timestamp(1s), AckLevel::sent, 1s).size();
      },
      [&] {
        EXPECT_EQ(handed_back, repeat->verdict == Verdict::pending ? 1u : 0u);
        EXPECT_TRUE(handed_back == 1 || repeat->verdict == Verdict::no_memory);
        EXPECT_EQ(begin(0, 1s), Verdict::repeated);
      });
}

TEST_P(DuplicatesWithoutMemory, AnEventInDoubtStaysInDoubtForItsWindow) {
  for_each_allocation(
      GetParam(), [&] { make_filter(); },
      [&] {
        for (const auto& key : keys) filter->remember_doubt(key, 1s);
      },
      [&] {
        for (const auto& key : keys) EXPECT_TRUE(filter->is_in_doubt(key, 1s + window));
        const auto other = filter->key(2, "another");
        EXPECT_FALSE(filter->is_in_doubt(other, 1s + window + 1ns)) << "what was lost is not doubted for ever";
      });
}

}  // namespace
}  // namespace tracking::test
