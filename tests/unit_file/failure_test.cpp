// Calls that fail while the machine runs on: full disks, failed syncs, and each call in its turn.
#include <gmock/gmock.h>

#include <cerrno>
#include <map>
#include <set>

#include "unit_file/support.h"

namespace tracking::file_log::test {
namespace {

using ::testing::ElementsAre;
using Call = SimulatedFiles::Call;
using Plan = SimulatedFiles::Plan;

TEST(Failure, OfASyncLeavesTheBatchInDoubtAndItIsCutBeforeAnythingElse) {
  for (const Call failing : {Call::begin_sync, Call::sync}) {
    SimulatedFiles files;
    OpenLog log(files);
    ASSERT_EQ(log.append(1, 2), Code::ok);
    bool has_failed = false;
    files.set_plan([&](std::uint64_t, Call call) {
      return Plan{.error = call == failing && !std::exchange(has_failed, true) ? EIO : 0};
    });
    EXPECT_EQ(log.append(3, 2), Code::in_doubt);
    EXPECT_EQ(log.append(5, 1), Code::broker_unavailable) << "until it is repaired";
    EXPECT_THAT(log.writer->failure(), ::testing::HasSubstr("Input/output error"));
    ASSERT_TRUE(log.writer->repair());
    ASSERT_EQ(log.append(6, 1), Code::ok);
    EXPECT_THAT(short_form(read_all(*log.store)), ElementsAre("xx1", "xx2", "xx6"));
    OpenLog reopened(files.after(PowerCut::dropped, 1));
    EXPECT_THAT(short_form(read_all(*reopened.store)), ElementsAre("xx1", "xx2", "xx6"));
  }
}

TEST(Failure, OfEverySyncKeepsItRefusing) {
  SimulatedFiles files;
  OpenLog log(files);
  ASSERT_EQ(log.append(1, 1), Code::ok);
  files.set_plan([](std::uint64_t, Call call) { return Plan{.error = call == Call::sync ? EIO : 0}; });
  EXPECT_EQ(log.append(2, 1), Code::in_doubt);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(log.writer->repair());
  files.set_plan({});
  EXPECT_TRUE(log.writer->repair());
  EXPECT_EQ(log.append(3, 1), Code::ok);
  EXPECT_THAT(short_form(read_all(*log.store)), ElementsAre("xx1", "xx3"));
}

TEST(Failure, AFullDiskRefusesAndGoesOnWhenThereIsRoom) {
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.segment_bytes = 8u << 20;
  OpenLog log(files, settings);
  files.set_capacity(5u << 20);
  std::uint64_t stored = 0;
  while (log.append(stored + 1, 1, 10'000) == Code::ok) ++stored;
  EXPECT_GT(stored, 400u);
  EXPECT_THAT(log.writer->failure(), ::testing::HasSubstr("No space left"));
  EXPECT_EQ(read_all(*log.store).size(), stored) << "reads go on";
  EXPECT_FALSE(log.writer->repair());
  files.set_capacity(100u << 20);
  ASSERT_TRUE(log.writer->repair());
  ASSERT_EQ(log.append(9'999, 1), Code::ok);
  EXPECT_EQ(read_all(*log.store).size(), stored + 1);
}

TEST(Failure, AHalfWrittenGroupThatWasRefusedNeverAppears) {
  SimulatedFiles files;
  OpenLog log(files);
  ASSERT_EQ(log.append(1, 1), Code::ok);
  files.set_plan(
      [](std::uint64_t, Call call) { return call == Call::write ? Plan{.error = ENOSPC, .is_torn = true} : Plan{}; });
  // The first frame of the group is written whole.
  FrameBuilder small;
  small.add(log.lines.make(2));
  FrameBuilder large;
  large.add(log.lines.make(3, 2'000));
  FrameBuilder* const frames[] = {&small, &large};
  EXPECT_EQ(log.writer->append(frames), Code::broker_unavailable);
  for (const PowerCut cut : {PowerCut::none, PowerCut::dropped, PowerCut::torn, PowerCut::reordered}) {
    OpenLog reopened(files.after(cut, 3));
    EXPECT_THAT(short_form(read_all(*reopened.store)), ElementsAre("xx1"));
  }
}

/// Any one call fails with any error, then the log is repaired: what it said was stored is there, what it refused is
/// not, also after a power cut.
TEST(Failure, OfAnyOneCallKeepsEveryPromise) {
  for (const int error : {EIO, ENOSPC}) {
    for (const bool is_torn : {false, true}) {
      for (std::uint64_t at = 1;; at += place_stride) {
        SimulatedFiles files;
        OpenLog log(files);
        bool has_failed = false;
        files.set_plan([&](std::uint64_t number, Call) {
          if (number != at) return Plan{};
          has_failed = true;
          return Plan{.error = error, .is_torn = is_torn};
        });
        std::vector<std::string> stored;
        std::set<std::string> refused;
        for (std::uint64_t i = 1; i <= 60; ++i) {
          const Code code = log.append(i, 1, 200);
          const std::string data = std::string(200 - std::to_string(i).size(), 'x') + std::to_string(i);
          if (code == Code::ok) stored.push_back(data);
          if (code == Code::broker_unavailable) refused.insert(data);
          if (code != Code::ok) {
            for (int tries = 0; tries < 3 && !log.writer->repair();) ++tries;
          }
        }
        const std::string where = "call " + std::to_string(at) + (is_torn ? " torn" : "");
        ASSERT_GE(stored.size(), 55u) << where;
        ASSERT_EQ(short_form(read_all(*log.store)), stored) << where;
        for (const PowerCut cut : {PowerCut::dropped, PowerCut::reordered}) {
          OpenLog reopened(files.after(cut, at));
          ASSERT_TRUE(reopened.opened) << where << reopened.opened.message();
          ASSERT_EQ(short_form(read_all(*reopened.store)), stored) << where;
        }
        if (!has_failed) break;
      }
    }
  }
}

}  // namespace
}  // namespace tracking::file_log::test
