// Checksums, names, and what a frame looks like.
#include <gmock/gmock.h>

#include <random>
#include <utility>

#include "file/crc32c.h"
#include "unit_file/support.h"

namespace tracking::file_log::test {
namespace {

TEST(Crc32c, IsTheOneOfRfc3720) {
  const std::string zeros(32, '\0');
  const std::string ones(32, '\xff');
  for (const auto crc : {crc32c, crc32c_portable}) {
    EXPECT_EQ(crc("123456789", 0), 0xe3069283u);
    EXPECT_EQ(crc(zeros, 0), 0x8a9136aau);
    EXPECT_EQ(crc(ones, 0), 0x62a8ab43u);
    EXPECT_EQ(crc("", 0), 0u);
  }
}

TEST(Crc32c, BothWaysAgreeAndPiecesAddUp) {
  std::mt19937_64 random(7);
  std::string bytes(20'000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + random() % 500) {
    const std::string_view part(bytes.data() + random() % (bytes.size() - size), size);
    ASSERT_EQ(crc32c(part), crc32c_portable(part)) << size;
    const std::size_t cut = size == 0 ? 0 : random() % size;
    ASSERT_EQ(crc32c(part.substr(cut), crc32c(part.substr(0, cut))), crc32c(part)) << size;
  }
}

TEST(SegmentName, IsReadBackAndOthersAreNot) {
  EXPECT_EQ(segment_name(1), "00000000000000000001.log");
  EXPECT_EQ(position_of_segment_name(segment_name(12'345)), 12'345u);
  for (const char* name : {"", "lock", "1.log", "00000000000000000000.log", "00000000000000000001.tmp",
                           "0000000000000000000a.log", "99999999999999999999.log", "00000000000000000001.log.damaged"})
    EXPECT_FALSE(position_of_segment_name(name)) << name;
}

TEST(FrameBuilder, TakesAsManyLinesAsAFrameHolds) {
  LineMaker lines;
  FrameBuilder frame;
  std::uint64_t count = 0;
  for (;; ++count) {
    const Line line = lines.make(count, 1'000);
    if (!frame.has_room_for(line)) break;
    frame.add(line);
  }
  EXPECT_GT(count, 100u);
  EXPECT_LE(frame.payload_bytes(), FrameBuilder::full_bytes);
  frame.clear();
  EXPECT_TRUE(frame.has_room_for(lines.make(0, FrameBuilder::full_bytes))) << "one line always fits";
}

TEST(Log, GivesBackWhatWasAppendedWithItsPositions) {
  SimulatedFiles files;
  OpenLog log(files);
  ASSERT_EQ(log.append(1, 3), Code::ok);
  ASSERT_EQ(log.append(4, 1), Code::ok);
  EXPECT_EQ(log.store->next_position(), 5u);
  EXPECT_THAT(short_form(read_all(*log.store)), ::testing::ElementsAre("xx1", "xx2", "xx3", "xx4"));
  EXPECT_THAT(short_form(read_all(*log.store, 3)), ::testing::ElementsAre("xx3", "xx4"));
  EXPECT_THAT(read_all(*log.store, 5), ::testing::IsEmpty());
}

// A sync is cheaper where the file has been written before.
TEST(Log, ASmallGroupWritesZerosWhereTheNextOnesGo) {
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.segment_bytes = 1 << 20;
  OpenLog log(files, settings);
  const auto segment = log.store->segments().back();
  std::uint64_t extensions = 0;
  std::uint64_t written = files.written_until(segment->path());
  for (std::uint64_t i = 1; i <= 400; ++i) {
    ASSERT_EQ(log.append(i, 1, 1'000), Code::ok);
    const std::uint64_t now = files.written_until(segment->path());
    ASSERT_GE(now, segment->extent().end_offset);
    extensions += now > std::exchange(written, now) ? 1 : 0;
  }
  EXPECT_GT(written, segment->extent().end_offset + 1'000);
  EXPECT_LT(extensions, 10u);  // of 128 KiB each, for 0.5 MB
  EXPECT_LE(files.content(segment->path()).size(), settings.segment_bytes);
  EXPECT_EQ(read_all(*log.store).size(), 400u);
}

TEST(Log, ALargeGroupWritesNoMoreThanItself) {
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.segment_bytes = 1 << 20;
  OpenLog log(files, settings);
  const auto segment = log.store->segments().back();
  ASSERT_EQ(log.append(1, 1, 100'000), Code::ok);
  EXPECT_EQ(files.written_until(segment->path()), segment->extent().end_offset);
}

TEST(Log, GoesOnInNewSegments) {
  SimulatedFiles files;
  OpenLog log(files);
  for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_EQ(log.append(i, 1, 200), Code::ok);
  EXPECT_GT(log.store->segments().size(), 5u);
  EXPECT_EQ(read_all(*log.store).size(), 100u);
  for (std::uint64_t from = 1; from <= 100; ++from) ASSERT_EQ(read_all(*log.store, from).size(), 101 - from);
}

TEST(Log, AReaderFollowsItAsItGrows) {
  SimulatedFiles files;
  OpenLog log(files);
  StoreReader reader(*log.store, 1);
  for (std::uint64_t i = 1; i <= 60; ++i) {
    EXPECT_EQ(reader.next(), StoreReader::Next::end);
    ASSERT_EQ(log.append(i, 1, 200), Code::ok);
    ASSERT_EQ(reader.next(), StoreReader::Next::frame);
    EXPECT_EQ(reader.frame().first_position(), i);
  }
}

TEST(Log, FindsTheFirstEventThatIsNotOlder) {
  SimulatedFiles files;
  OpenLog log(files);
  for (std::uint64_t i = 0; i < 40; ++i) ASSERT_EQ(log.append(10 * i, 10, 50), Code::ok);
  for (std::uint64_t number = 0; number < 400; number += 7)
    ASSERT_EQ(first_not_before(*log.store, log.lines.time_of(number))->position, number + 1);
  EXPECT_EQ(first_not_before(*log.store, log.lines.time_of(0) - std::chrono::hours(1))->position, 1u);
  EXPECT_EQ(first_not_before(*log.store, log.lines.time_of(400))->position, 401u);
}

}  // namespace
}  // namespace tracking::file_log::test
