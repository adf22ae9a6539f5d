// Old segments go, by age and by size; readers that are in one go on.
#include <gmock/gmock.h>

#include "unit_file/log_broker.h"

namespace tracking::file_log::test {
namespace {

using namespace std::chrono_literals;

std::uint64_t number_of(const std::string& line) {
  const auto data = short_form({line})[0];
  return std::stoul(data.substr(data.find_first_not_of('x')));
}

TEST(Retention, BySizeRemovesTheOldestSegments) {
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.bytes_max = 20 << 10;
  OpenLog log(files, settings);
  for (std::uint64_t i = 1; i <= 300; ++i) {
    ASSERT_EQ(log.append(i, 1, 200), Code::ok);
    log.store->enforce_retention();
    ASSERT_LE(log.store->bytes(), settings.bytes_max + settings.segment_bytes);
  }
  EXPECT_GT(log.store->bytes(), settings.bytes_max / 2);
  EXPECT_EQ(files.paths().size(), log.store->segments().size());
  const auto read = read_all(*log.store, log.store->oldest_position());
  EXPECT_EQ(number_of(read.front()), log.store->oldest_position());
  EXPECT_EQ(number_of(read.back()), 300u);
  EXPECT_EQ(read_all(*log.store, 1)[0], "[expired " + std::to_string(log.store->oldest_position() - 1) + "]");
}

TEST(Retention, ByAgeRemovesWhatIsOlder) {
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.retention = 1h;
  OpenLog log(files, settings);
  // The lines say 2026-01-01, and the clock begins there, too.
  for (std::uint64_t i = 1; i <= 50; ++i) ASSERT_EQ(log.append(i, 1, 200), Code::ok);
  EXPECT_EQ(log.store->enforce_retention(), 0u);
  log.clock.advance(2h);
  EXPECT_GT(log.store->enforce_retention(), 0u);
  EXPECT_EQ(log.store->segments().size(), 1u) << "the one being written to stays";
  log.writer->complete_if_old();
  log.store->enforce_retention();
  EXPECT_THAT(read_all(*log.store, log.store->oldest_position()), ::testing::IsEmpty()) << "until it is completed";
  EXPECT_EQ(log.store->removed_until(), log.lines.time_of(50));
  ASSERT_EQ(log.append(51, 1), Code::ok);
  OpenLog reopened(files.after(PowerCut::none, 1), settings);
  EXPECT_EQ(reopened.store->removed_until(), log.lines.time_of(50)) << "known after a restart";
  EXPECT_EQ(reopened.store->oldest_position(), 51u);
}

void damage_head(SimulatedFiles& files, const std::string& path) {
  std::string content = files.content(path);
  content[20] ^= 1;
  files.set_content(path, content);
}

TEST(Retention, ByAgeIsNotStoppedByASegmentWhoseTimesOnlyALaterHeadKnows) {
  const auto files = make_log_of_segments(true);
  damage_trailers(*files);
  damage_head(*files, files->paths()[1]);
  StoreSettings settings = tiny_segments();
  settings.retention = 1h;
  testing::ManualClock clock;
  clock.advance(2h);
  const auto store = Store::open(settings, *files, clock, {}).value();
  const std::size_t segments = store->segments().size();
  EXPECT_EQ(store->enforce_retention(), segments - 1);
}

TEST(Retention, ByAgeIsNotStoppedByASegmentWhoseTimesNoHeadKnows) {
  const auto files = make_log_of_segments(true);
  damage_trailers(*files);
  for (const std::string& path : files->paths()) damage_head(*files, path);
  StoreSettings settings = tiny_segments();
  settings.retention = 1h;
  OpenLog log(*files, settings);
  const std::size_t segments = log.store->segments().size();
  EXPECT_EQ(log.store->enforce_retention(), 0u) << "they are not older than this start";
  log.clock.advance(2h);
  EXPECT_EQ(log.store->enforce_retention(), segments - 1);
}

TEST(Retention, DoesNotStopAReader) {
  SimulatedFiles files;
  StoreSettings settings = OpenLog::small_segments();
  settings.bytes_max = 8 << 10;
  OpenLog log(files, settings);
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_EQ(log.append(i, 1, 200), Code::ok);
  StoreReader reader(*log.store, log.store->oldest_position());
  ASSERT_EQ(reader.next(), StoreReader::Next::frame);
  const std::uint64_t first = reader.frame().first_position();
  for (std::uint64_t i = 21; i <= 100; ++i) {
    ASSERT_EQ(log.append(i, 1, 200), Code::ok);
    log.store->enforce_retention();
  }
  // It reads its segment to the end, is told what is gone, and goes on.
  std::uint64_t expected = first + 1;
  bool was_told = false;
  for (;;) {
    const auto next = reader.next();
    if (next == StoreReader::Next::end) break;
    if (next == StoreReader::Next::hole) {
      EXPECT_EQ(reader.hole().reason, "expired");
      EXPECT_EQ(reader.hole().begin, expected);
      expected = reader.hole().end;
      was_told = true;
    } else {
      ASSERT_EQ(reader.frame().first_position(), expected++);
    }
  }
  EXPECT_TRUE(was_told);
  EXPECT_EQ(expected, 101u);
}

}  // namespace
}  // namespace tracking::file_log::test
