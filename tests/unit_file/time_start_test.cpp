// Starts by time: what stood there, and is damaged, missing or removed, is told.
#include <gmock/gmock.h>

#include "unit_file/log_broker.h"

namespace tracking::file_log::test {
namespace {

using ReadCall = SimulatedFiles::ReadCall;

/// Flips a bit of the data of an event.
void damage(SimulatedFiles& files, std::uint64_t number) {
  const std::string text = "\"id\":\"id-" + std::to_string(number) + "\"";
  for (const std::string& path : files.paths()) {
    std::string content = files.content(path);
    const auto at = content.find(text);
    if (at == std::string::npos) continue;
    content[at + 1] ^= 1;
    return files.set_content(path, content);
  }
  FAIL() << number;
}

std::vector<std::string> numbers_from(std::uint64_t number, std::vector<std::string> items = {}) {
  for (; number <= events_made; ++number) items.push_back(std::to_string(number));
  return items;
}

class DamagedTime : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(WithTrailers, DamagedTime, ::testing::Bool(),
                         [](const auto& damaged) { return damaged.param ? "Damaged" : "Whole"; });

TEST_P(DamagedTime, IsAGapWhereverItsEventsStood) {
  // The last frame without a trailer behind it would be a torn tail.
  for (std::uint64_t number = 1; number < events_made - 2; number += 2) {
    const auto files = make_log_of_segments(true);
    damage(*files, number);
    if (GetParam()) damage_trailers(*files);
    LogBroker log(*files);
    ASSERT_EQ(log.items({.since = time_text(number)}), numbers_from(number + 2, {"[corrupt]"})) << number;
    ASSERT_EQ(log.items({.since = time_text(number + 1)}), numbers_from(number + 2, {"[corrupt]"})) << number;
    const auto later = log.items({.since = time_text(number + 2)});
    ASSERT_THAT(later, ::testing::AnyOf(numbers_from(number + 2), numbers_from(number + 2, {"[corrupt]"}))) << number;
  }
}

TEST(DamagedTime, OfAMissingSegmentIsAGap) {
  const auto files = make_log_of_segments(true);
  const auto paths = files->paths();
  const auto position_of = [&](std::size_t i) {
    return *position_of_segment_name(paths[i].substr(directory.size() + 1));
  };
  ASSERT_TRUE(files->remove(paths[1]));
  LogBroker log(*files);
  for (std::uint64_t number = position_of(1); number < position_of(2); ++number)
    EXPECT_EQ(log.items({.since = time_text(number)}), numbers_from(position_of(2), {"[corrupt]"})) << number;
  EXPECT_EQ(log.items({.since = time_text(position_of(2))}), numbers_from(position_of(2)));
}

TEST(DamagedTime, OfASegmentThatSomebodyRemovesIsAGap) {
  const auto files = make_log_of_segments(true);
  LogBroker log(*files);
  const auto paths = files->paths();
  const std::uint64_t next = *position_of_segment_name(paths[2].substr(directory.size() + 1));
  ASSERT_TRUE(files->remove(paths[1]));
  EXPECT_EQ(log.items({.since = time_text(next - 1)}), numbers_from(next, {"[corrupt]"}));
}

TEST(DamagedTime, DoesNotPassOverWhatComesMeanwhile) {
  SimulatedFiles files;
  OpenLog log(files);
  for (std::uint64_t i = 1; i <= 4; ++i) ASSERT_EQ(log.append(i, 1), Code::ok);
  damage(files, 4);
  bool has_come = false;
  files.set_read_plan([&](std::uint64_t, ReadCall call) {
    if (call == ReadCall::read && !std::exchange(has_come, true)) {
      EXPECT_EQ(log.append(5, 1), Code::ok);
    }
    return 0;
  });
  const auto start = first_not_before(*log.store, log.lines.time_of(4));
  ASSERT_TRUE(start);
  EXPECT_TRUE(has_come);
  EXPECT_EQ(start->position, 5u);
}

TEST(RemovedTime, ThatRetentionTakesMeanwhileIsExpired) {
  const auto files = make_log_of_segments(false);
  StoreSettings settings = tiny_segments();
  settings.bytes_max = 6'000;
  OpenLog log(*files, settings);
  bool has_opened = false;
  files->set_read_plan([&](std::uint64_t, ReadCall call) {
    if (call == ReadCall::open && !std::exchange(has_opened, true)) {
      EXPECT_GT(log.store->enforce_retention(), 0u);
    }
    return 0;
  });
  const auto start = first_not_before(*log.store, LineMaker::start);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->position, log.store->oldest_position());
  EXPECT_FALSE(start->is_after_damage) << "it is said by removed_until()";
  EXPECT_GE(log.store->removed_until(), LineMaker::start);
}

TEST(DamagedHead, OfTheOldestSegmentHidesNotThatOlderOnesWereRemoved) {
  const auto files = make_log_of_segments(true);
  {
    StoreSettings few = tiny_segments();
    few.bytes_max = 6'000;
    OpenLog log(*files, few);
    ASSERT_GT(log.store->enforce_retention(), 0u);
  }
  const std::string path = files->paths().front();
  std::string content = files->content(path);
  content[20] ^= 1;
  files->set_content(path, content);
  const std::uint64_t oldest = *position_of_segment_name(path.substr(directory.size() + 1));
  LogBroker log(*files);
  EXPECT_EQ(log.items({.since = time_text(3)}), numbers_from(oldest, {"[expired]"}));
  EXPECT_EQ(log.items({.since = time_text(events_made)}), numbers_from(events_made));
}

}  // namespace
}  // namespace tracking::file_log::test
