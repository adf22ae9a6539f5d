// Every byte of a small log, flipped and cut: found by checksum, told as a gap, and all else delivered.
#include <gmock/gmock.h>

#include <cstring>

#include "unit_file/support.h"

namespace tracking::file_log::test {
namespace {

/// Three segments, twelve frames, 36 events; the last segment is not complete.
std::unique_ptr<SimulatedFiles> make_log(bool is_closed) {
  auto files = std::make_unique<SimulatedFiles>();
  StoreSettings settings = OpenLog::small_segments();
  settings.segment_bytes = 2'000;
  OpenLog log(*files, settings);
  for (std::uint64_t i = 1; i <= 36; i += 3) EXPECT_EQ(log.append(i, 3, 20), Code::ok);
  if (is_closed) {
    EXPECT_TRUE(log.writer->close());
  }
  return files;
}

/// Reads the damaged log, and checks that everything it gives is true.
void expect_no_wrong_event(SimulatedFiles& files, const std::vector<std::string>& whole, std::size_t missing_max,
                           bool is_tail, const std::string& where) {
  OpenLog log(files);
  ASSERT_TRUE(log.opened) << where << ": " << log.opened.message();
  const auto read = read_all(*log.store);
  std::uint64_t position = 0;
  std::size_t missing = 0;
  for (const std::string& line : read) {
    if (line.starts_with("[corrupt ")) {
      const auto count = std::stoul(line.substr(9));
      position += count;
      missing += count;
      continue;
    }
    ASSERT_LT(position, whole.size()) << where;
    ASSERT_EQ(line, whole[position++]) << where;
  }
  ASSERT_LE(missing, missing_max) << where;
  // What is missing at the end was cut as a torn tail, in the last frame alone.
  ASSERT_GE(position, whole.size() - (is_tail ? 3 : 0)) << where;
  // And it can be written to.
  ASSERT_EQ(log.append(100, 1), Code::ok) << where;
  ASSERT_EQ(short_form(read_all(*log.store)).back(), "100") << where;
}

class AnyByte : public ::testing::TestWithParam<bool> {};

TEST_P(AnyByte, FlippedIsNoticedAndCostsItsFrameAtMost) {
  const auto original = make_log(GetParam());
  const auto whole = read_all(*OpenLog(original->after(PowerCut::none, 0)).store);
  ASSERT_EQ(whole.size(), 36u);
  const auto paths = original->paths();
  ASSERT_GE(paths.size(), 3u);
  for (const std::string& path : paths) {
    const std::string content = original->content(path);
    const bool is_last = path == paths.back();
    for (std::size_t at = 0; at < content.size(); at += place_stride) {
      const auto files = original->after(PowerCut::none, 0);
      std::string damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      files->set_content(path, damaged);
      expect_no_wrong_event(*files, whole, 3, is_last, path + " byte " + std::to_string(at));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(AnyByte, CutOffIsNoticedAndCostsWhatWasBehindIt) {
  const auto original = make_log(GetParam());
  const auto whole = read_all(*OpenLog(original->after(PowerCut::none, 0)).store);
  const auto paths = original->paths();
  for (const std::string& path : paths) {
    const std::string content = original->content(path);
    const bool is_last = path == paths.back();
    for (std::size_t size = 0; size < content.size(); size += (is_last ? 1 : 3) * place_stride) {
      const auto files = original->after(PowerCut::none, 0);
      files->set_content(path, content.substr(0, size));
      OpenLog log(*files);
      ASSERT_TRUE(log.opened) << log.opened.message();
      const auto read = read_all(*log.store);
      std::uint64_t position = 0;
      for (const std::string& line : read) {
        if (line.starts_with("[corrupt ")) {
          position += std::stoul(line.substr(9));
        } else {
          ASSERT_EQ(line, whole[position++]) << path << " cut at " << size;
        }
      }
      // In the last segment it looks like a torn tail; elsewhere the next segment tells what is missing.
      if (!is_last) {
        ASSERT_EQ(position, whole.size()) << path << " cut at " << size;
      }
      ASSERT_EQ(log.append(100, 1), Code::ok) << path << " cut at " << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfALog, AnyByte, ::testing::Bool(),
                         [](const auto& closed) { return closed.param ? "Closed" : "LeftOpen"; });

TEST(Damage, AMissingSegmentIsAHoleOfItsEvents) {
  const auto files = make_log(true);
  const auto paths = files->paths();
  std::vector<std::string> names;
  ASSERT_TRUE(files->remove(paths[1]));
  OpenLog log(*files);
  const auto read = short_form(read_all(*log.store));
  const auto hole =
      std::find_if(read.begin(), read.end(), [](const auto& line) { return line.starts_with("[corrupt "); });
  ASSERT_NE(hole, read.end());
  EXPECT_EQ(read.size() - 1 + std::stoul(hole->substr(9)), 36u);
}

/// 36 events in three segments, of which the last cannot be read at all.
std::unique_ptr<SimulatedFiles> make_log_without_its_end() {
  auto files = make_log(false);
  const std::string path = files->paths().back();
  files->set_content(path, std::string(files->content(path).size(), '#'));
  return files;
}

TEST(Damage, OfAllOfTheLastSegmentIsAGapAndItsPositionsAreNotGivenAgain) {
  const auto files = make_log_without_its_end();
  const std::uint64_t lost = std::stoull(files->paths().back().substr(directory.size() + 1));
  for (int start = 1; start <= 3; ++start) {
    OpenLog log(*files);
    ASSERT_TRUE(log.opened) << log.opened.message();
    EXPECT_GT(log.store->next_position(), 36u);
    ASSERT_EQ(log.append(100, 1), Code::ok);
    auto read = short_form(read_all(*log.store));
    ASSERT_EQ(read.size(), lost + static_cast<std::uint64_t>(start)) << "before it, a gap, after it";
    EXPECT_EQ(read[lost - 1], "[corrupt ?]") << "how many they were is not known";
    EXPECT_EQ(read.back(), "100");
  }
}

TEST(Damage, OfAllOfTheLastSegmentIsReportedAndItsFileKept) {
  const auto files = make_log_without_its_end();
  const std::string path = files->paths().back();
  const std::string content = files->content(path);
  OpenLog log(*files);
  ASSERT_EQ(log.messages.size(), 1u);
  EXPECT_THAT(log.messages[0], ::testing::HasSubstr(path + " cannot be read from byte 64 to its end"));
  EXPECT_EQ(files->content(path), content);
}

TEST(Damage, OfAllOfTheLastSegmentDoesNotKeepRetentionFromGoingOn) {
  const auto files = make_log_without_its_end();
  StoreSettings settings = OpenLog::small_segments();
  settings.retention = std::chrono::hours(24);
  OpenLog log(*files, settings);
  for (std::uint64_t i = 100; i < 200; i += 3) ASSERT_EQ(log.append(i, 3, 20), Code::ok);
  log.clock.advance(std::chrono::hours(100 * 24));
  log.store->enforce_retention();
  EXPECT_EQ(files->paths().size(), 1u);
}

TEST(Damage, ThatIsMoreThanACrashCanTearIsNotTakenForATear) {
  const std::uint64_t bytes = write_bytes_max + (8 << 20);
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.segment_bytes = 64 << 20;
  {
    OpenLog log(files, settings);
    for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_EQ(log.append(i, 1), Code::ok);
  }
  const std::string path = files.paths().front();
  FrameHeader first;
  std::memcpy(&first, files.content(path).data() + sizeof(SegmentHeader), sizeof first);
  std::string content = files.content(path).substr(0, sizeof(SegmentHeader) + first.stride());
  files.set_content(path, content.append(bytes, '#'));
  for (int start = 0; start < 2; ++start) {
    OpenLog log(files, settings);
    ASSERT_EQ(log.append(100, 1), Code::ok);
    EXPECT_THAT(short_form(read_all(*log.store)).front(), "xx1");
    EXPECT_THAT(short_form(read_all(*log.store))[1], "[corrupt ?]");
    EXPECT_GT(log.store->next_position(), bytes / 200);
  }
}

TEST(Damage, InWhatWasSyncedIsToldAndNotCut) {
  // The first of two frames that were synced one after the other: the second one says that the first was.
  SimulatedFiles files;
  {
    OpenLog log(files);
    ASSERT_EQ(log.append(1, 2), Code::ok);
    ASSERT_EQ(log.append(3, 2), Code::ok);
  }
  const std::string path = files.paths().front();
  std::string content = files.content(path);
  content[sizeof(SegmentHeader) + 40] ^= 1;
  files.set_content(path, content);
  OpenLog log(files);
  EXPECT_THAT(short_form(read_all(*log.store)), ::testing::ElementsAre("[corrupt 2]", "xx3", "xx4"));
  ASSERT_EQ(log.messages.size(), 1u);
  EXPECT_THAT(log.messages[0], ::testing::HasSubstr("2 events cannot be read"));
}

}  // namespace
}  // namespace tracking::file_log::test
