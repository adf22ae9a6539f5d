// The power goes at every call that changes something, in every way that a disk can keep part of what it was given.
#include <gmock/gmock.h>

#include <map>

#include "unit_file/support.h"

namespace tracking::file_log::test {
namespace {

/// 1,000 events in groups of one to several frames, over many segments, with a restart in the middle; what was said of
/// each.
struct Script {
  std::map<std::uint64_t, std::string> stored;  // by position
  std::vector<std::string> in_flight;           // of the group that the crash fell into
  std::uint64_t next_position = 1;

  void run(SimulatedFiles& files) {
    auto log = std::make_unique<OpenLog>(files);
    std::uint64_t number = 1;
    for (std::uint64_t group = 0; number <= 1'000 && log->writer; ++group) {
      if (group == 60) {
        log->writer->close().ignore();
        log.reset();  // the lock is let go before it is taken again
        log = std::make_unique<OpenLog>(files);
        if (!log->writer) return;
      }
      const std::uint64_t count = 1 + group * 7 % 15;
      if (!append(*log, number, count)) return;
      number += count;
    }
    if (log->writer) log->writer->close().ignore();
  }

  bool append(OpenLog& log, std::uint64_t number, std::uint64_t count) {
    // Two frames in one group, so that a whole frame may stand behind a torn one.
    FrameBuilder first;
    FrameBuilder second;
    in_flight.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      const Line line = log.lines.make(number + i, 10 + i * 13);
      (i < count / 2 ? first : second).add(line);
      in_flight.emplace_back(line.json);
    }
    std::vector<FrameBuilder*> frames;
    if (!first.empty()) frames.push_back(&first);
    frames.push_back(&second);
    const Code code = log.writer->append(frames);
    if (code != Code::ok) return false;
    log.writer->show();
    for (const std::string& line : in_flight) stored[next_position++] = line;
    in_flight.clear();
    return true;
  }
};

void expect_what_was_stored(SimulatedFiles& files, const Script& script, const std::string& where) {
  OpenLog log(files);
  ASSERT_TRUE(log.opened) << where << ": " << log.opened.message();
  const auto read = read_all(*log.store);
  ASSERT_GE(read.size(), script.stored.size()) << where;
  for (const auto& [position, line] : script.stored) ASSERT_EQ(read[position - 1], line) << where;
  // What is there beyond is the beginning of what was being written, and nothing else.
  const std::size_t more = read.size() - script.stored.size();
  ASSERT_LE(more, script.in_flight.size()) << where << ": " << read.back();
  for (std::size_t i = 0; i < more; ++i) ASSERT_EQ(read[script.stored.size() + i], script.in_flight[i]) << where;
  ASSERT_EQ(log.store->next_position(), read.size() + 1) << where;
  for (const std::string& message : log.messages) ASSERT_EQ(message.find("damaged"), std::string::npos) << message;

  // It goes on.
  ASSERT_EQ(log.append(5'000, 3), Code::ok) << where;
  ASSERT_EQ(read_all(*log.store).size(), read.size() + 3) << where;
}

class PowerCutAt : public ::testing::TestWithParam<PowerCut> {};

TEST_P(PowerCutAt, AnyCallNothingThatWasStoredIsLostAndNothingElseAppears) {
  SimulatedFiles whole;
  Script().run(whole);
  const std::uint64_t calls = whole.calls();
  ASSERT_GT(calls, 300u);
  for (std::uint64_t at = 1; at <= calls; at += place_stride) {
    SimulatedFiles files;
    files.set_plan([at](std::uint64_t number, auto) { return SimulatedFiles::Plan{.is_crash = number == at}; });
    Script script;
    script.run(files);
    ASSERT_TRUE(files.has_crashed());
    const auto found = files.after(GetParam(), at);
    expect_what_was_stored(*found, script, "call " + std::to_string(at));
    if (HasFatalFailure()) return;
  }
}

TEST_P(PowerCutAt, AnyCallOfARecoveryTheNextOneSucceeds) {
  SimulatedFiles files;
  constexpr std::uint64_t crash_at = 150;
  files.set_plan([](std::uint64_t number, auto) { return SimulatedFiles::Plan{.is_crash = number == crash_at}; });
  Script script;
  script.run(files);
  for (std::uint64_t seed = 0; seed < 20; seed += place_stride) {
    for (std::uint64_t at = 1; at <= 6; ++at) {
      const auto found = files.after(PowerCut::reordered, seed);
      found->set_plan([at](std::uint64_t number, auto) { return SimulatedFiles::Plan{.is_crash = number == at}; });
      { OpenLog interrupted(*found); }
      expect_what_was_stored(*found->after(GetParam(), seed), script, "seed " + std::to_string(seed));
      if (HasFatalFailure()) return;
    }
  }
}

std::string name_of(PowerCut cut) {
  const std::vector<std::string> names = {"Dropped", "Torn", "Reordered", "ProcessKilled"};
  return names.at(static_cast<std::size_t>(cut));
}

INSTANTIATE_TEST_SUITE_P(Ways, PowerCutAt,
                         ::testing::Values(PowerCut::dropped, PowerCut::torn, PowerCut::reordered, PowerCut::none),
                         [](const auto& way) { return name_of(way.param); });

}  // namespace
}  // namespace tracking::file_log::test
