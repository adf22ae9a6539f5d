// What tests of the log share: a store over simulated files, and lines to put in.
#pragma once

#include <gtest/gtest.h>
#include <tracking/testing.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "file/store_reader.h"
#include "file/store_writer.h"
#include "unit_file/simulated_files.h"

namespace tracking::file_log::test {

inline const std::string directory = "/log";

/// Tests that try every place look at each of them; instrumented builds, which take ten times as long, at some.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t place_stride = 11;
#else
inline constexpr std::uint64_t place_stride = 1;
#endif

/// Event lines as the service would make them, with text that tells them apart.
class LineMaker {
 public:
  /// The line of the `number`th event, of account 1 + number % 3.
  Line make(std::uint64_t number, std::size_t data_bytes = 3);
  Timestamp time_of(std::uint64_t number) const { return start + std::chrono::microseconds(number); }

  static constexpr Timestamp start{std::chrono::microseconds(1'767'225'600'000'000)};  // 2026-01-01

 private:
  std::deque<std::string> texts_;
};

/// A log that is open for writing.
struct OpenLog {
  explicit OpenLog(SimulatedFiles& files, StoreSettings settings = small_segments());
  explicit OpenLog(std::unique_ptr<SimulatedFiles> files, StoreSettings settings = small_segments())
      : OpenLog(*files, std::move(settings)) {
    owned = std::move(files);
  }
  ~OpenLog();

  static StoreSettings small_segments() {
    return {.directory = directory, .segment_bytes = 4 << 10, .bytes_max = 0, .retention = std::chrono::hours(0)};
  }

  /// Appends the lines of these events as one frame, and shows them.
  Code append(std::uint64_t first, std::uint64_t count, std::size_t data_bytes = 3);

  std::unique_ptr<SimulatedFiles> owned;  // outlives the store
  testing::ManualClock clock;
  std::vector<std::string> messages;
  Status opened;
  std::unique_ptr<Store> store;
  std::unique_ptr<StoreWriter> writer;
  LineMaker lines;
};

/// What a reader gets from a position on: lines, and holes as "[corrupt 3]", or "[corrupt ?]" if nobody knows.
std::vector<std::string> read_all(const Store& store, std::uint64_t position = 1);
/// The data of the lines that read_all() gave, holes as they are.
std::vector<std::string> short_form(const std::vector<std::string>& read);

}  // namespace tracking::file_log::test
