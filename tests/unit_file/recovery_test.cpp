// What an open finds, keeps, cuts and refuses.
#include <gmock/gmock.h>

#include <cstring>

#include "unit_file/support.h"

namespace tracking::file_log::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string path_of(std::uint64_t position) { return directory + "/" + segment_name(position); }

TEST(Recovery, ALogThatWasClosedGoesOnWhereItEnded) {
  SimulatedFiles files;
  std::uint64_t log_id = 0;
  {
    OpenLog log(files);
    ASSERT_EQ(log.append(1, 2), Code::ok);
    log_id = log.store->log_id();
    ASSERT_TRUE(log.writer->close());
  }
  OpenLog log(files);
  EXPECT_EQ(log.store->log_id(), log_id) << "cursors hold";
  EXPECT_EQ(log.store->next_position(), 3u);
  ASSERT_EQ(log.append(3, 1), Code::ok);
  EXPECT_THAT(short_form(read_all(*log.store)), ElementsAre("xx1", "xx2", "xx3"));
}

TEST(Recovery, AnEmptyLogKeepsItsIdentity) {
  SimulatedFiles files;
  std::uint64_t log_id = OpenLog(files).store->log_id();
  EXPECT_EQ(OpenLog(files).store->log_id(), log_id);
  EXPECT_EQ(files.paths().size(), 1u);
}

TEST(Recovery, StartsAndStopsWithoutEventsLeaveNoFilesBehind) {
  SimulatedFiles files;
  for (int i = 0; i < 5; ++i) {
    OpenLog log(files);
    if (i == 0) {
      ASSERT_EQ(log.append(1, 1), Code::ok);
    }
    ASSERT_TRUE(log.writer->close());
  }
  EXPECT_EQ(files.paths().size(), 2u) << "the complete one, and the one that is written to next";
}

TEST(Recovery, AfterAKilledProcessAllThatWasWrittenIsThereAndOnTheDisk) {
  SimulatedFiles files;
  OpenLog log(files);
  ASSERT_EQ(log.append(1, 2), Code::ok);
  const auto again = files.after(PowerCut::none, 1);
  {
    OpenLog reopened(*again);
    EXPECT_THAT(short_form(read_all(*reopened.store)), ElementsAre("xx1", "xx2"));
  }
  OpenLog after_a_cut(again->after(PowerCut::dropped, 1));
  EXPECT_THAT(short_form(read_all(*after_a_cut.store)), ElementsAre("xx1", "xx2"));
}

TEST(Recovery, OnlyTheSegmentThatWasOpenIsReadThrough) {
  SimulatedFiles files;
  {
    OpenLog log(files);
    for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_EQ(log.append(i, 1, 200), Code::ok);
  }
  // Frames of complete segments are not looked at: damage there shows when they are read.
  std::string content = files.content(path_of(1));
  content[300] ^= 1;
  files.set_content(path_of(1), content);
  OpenLog log(files);
  EXPECT_THAT(log.messages, ::testing::IsEmpty());
  EXPECT_EQ(log.store->next_position(), 101u);
}

TEST(Recovery, ANewerFormatIsRefusedAndNotTouched) {
  SimulatedFiles files;
  {
    OpenLog log(files);
    ASSERT_EQ(log.append(1, 1), Code::ok);
  }
  std::string content = files.content(path_of(1));
  SegmentHeader header;
  std::memcpy(&header, content.data(), sizeof header);
  for (const std::uint32_t version : {0u, 2u}) {
    header.version = version;
    seal(header);
    std::memcpy(content.data(), &header, sizeof header);
    files.set_content(path_of(1), content);
    OpenLog log(files);
    EXPECT_EQ(log.opened.code(), Code::unsupported);
    EXPECT_THAT(log.opened.message(), HasSubstr("format " + std::to_string(version)));
    EXPECT_EQ(files.content(path_of(1)), content);
  }
}

TEST(Recovery, SegmentsOfAnotherLogAreRefused) {
  SimulatedFiles one;
  SimulatedFiles two;
  for (SimulatedFiles* files : {&one, &two}) {
    OpenLog log(*files);
    for (std::uint64_t i = 1; i <= 40; ++i) ASSERT_EQ(log.append(i, 1, 200), Code::ok);
  }
  const std::string last = one.paths().back();
  one.set_content(last, two.content(last));
  OpenLog log(one);
  EXPECT_EQ(log.opened.code(), Code::invalid_parameter);
  EXPECT_THAT(log.opened.message(), HasSubstr("another log"));
}

TEST(Recovery, ASecondOpenerIsRefusedAndToldWhoHasIt) {
  SimulatedFiles files;
  OpenLog first(files);
  OpenLog second(files);
  EXPECT_EQ(second.opened.code(), Code::broker_unavailable);
  EXPECT_THAT(second.opened.message(), HasSubstr("in use by process"));
}

TEST(Recovery, AFailedReadIsNoReasonToCut) {
  struct UnreadableFiles final : FileSystem {
    explicit UnreadableFiles(SimulatedFiles& files) : inner(files) {}
    struct Unreadable final : File {
      explicit Unreadable(std::unique_ptr<File> file) : inner(std::move(file)) {}
      Io read(std::uint64_t offset, char* into, std::size_t size) noexcept override {
        return offset >= sizeof(SegmentHeader) ? Io{.error = EIO} : inner->read(offset, into, size);
      }
      Io write(std::uint64_t, std::span<const std::string_view>) noexcept override { return {.error = EIO}; }
      Io begin_sync(std::uint64_t, std::uint64_t) noexcept override { return {.error = EIO}; }
      Io sync() noexcept override { return {.error = EIO}; }
      Io resize(std::uint64_t) noexcept override { return {.error = EIO}; }
      Io allocate(std::uint64_t) noexcept override { return {.error = EIO}; }
      Io size() noexcept override { return inner->size(); }
      void drop_cache() noexcept override {}
      std::unique_ptr<File> inner;
    };
    Io open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) noexcept override {
      const Io io = inner.open(path, mode, file);
      if (io) file = std::make_unique<Unreadable>(std::move(file));
      return io;
    }
    Io make_directory(const std::string& path) noexcept override { return inner.make_directory(path); }
    Io list(const std::string& path, std::vector<std::string>& names) noexcept override {
      return inner.list(path, names);
    }
    Io remove(const std::string&) noexcept override { return {.error = EIO}; }
    Io rename(const std::string&, const std::string&) noexcept override { return {.error = EIO}; }
    Io sync_directory(const std::string&) noexcept override { return {.error = EIO}; }
    Io lock(const std::string& path, std::unique_ptr<DirectoryLock>& lock, std::string& holder) noexcept override {
      return inner.lock(path, lock, holder);
    }
    SimulatedFiles& inner;
  };
  SimulatedFiles files;
  {
    OpenLog log(files);
    ASSERT_EQ(log.append(1, 1), Code::ok);
  }
  const std::string before = files.content(path_of(1));
  UnreadableFiles unreadable(files);
  testing::ManualClock clock;
  const auto opened = Store::open(OpenLog::small_segments(), unreadable, clock, {});
  EXPECT_EQ(opened.error().code(), Code::broker_unavailable);
  EXPECT_THAT(opened.error().message(), HasSubstr("Input/output error"));
  EXPECT_EQ(files.content(path_of(1)), before);
}

}  // namespace
}  // namespace tracking::file_log::test
