// Opens and reads that fail: a reader gets every event, or is told so; and all of them when the fault has gone.
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>

#include "unit_file/log_broker.h"

namespace tracking::file_log::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ReadCall = SimulatedFiles::ReadCall;

/// A fault of one call, or of all from that call on until it goes.
struct Fault {
  int error = EIO;
  bool is_lasting = false;
};

/// Has the `at`th read call fail. True afterwards in `has_failed` if it came to that.
void set_fault(SimulatedFiles& files, const Fault& fault, std::uint64_t at, std::atomic<bool>& has_failed) {
  has_failed = false;
  files.set_read_plan([fault, at, &has_failed](std::uint64_t number, ReadCall) {
    if (number < at || (number > at && !fault.is_lasting)) return 0;
    has_failed = true;
    return fault.error;
  });
}

bool is_gap(const std::string& item) { return item.starts_with('['); }

/// Nothing is missing in `got` but where a gap stands. Behind it all: only if `may_end_early`.
void expect_told(const std::vector<std::string>& got, const std::vector<std::string>& whole, bool may_end_early,
                 const std::string& where) {
  std::size_t next = 0;
  bool is_told = false;
  for (const std::string& item : got) {
    if (is_gap(item)) {
      is_told = true;
      if (next < whole.size() && whole[next] == item) ++next;
      continue;
    }
    const std::size_t from = next;
    while (next < whole.size() && whole[next] != item) ++next;
    ASSERT_LT(next, whole.size()) << where << ": " << item << " is repeated, or was not asked for";
    ASSERT_TRUE(from == next || is_told) << where << ": " << item << " comes instead of " << whole[from];
    ++next;
    is_told = false;
  }
  ASSERT_TRUE(next == whole.size() || is_told || may_end_early) << where << ": missing from " << whole[next] << " on";
}

/// Every kind of start, by name.
std::vector<std::pair<std::string, SubscribeOptions>> starts(LogBroker& log) {
  auto subscriber =
      Subscriber::adopt([&](Wake wake) { return log.broker->subscribe({.since = "all"}, std::move(wake)); }).value();
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(subscriber->next());
  const std::string cursor = subscriber->cursor();
  Cursor unknown = parse_cursor(cursor).value();
  ++unknown.id_hash;
  return {{"all", {.since = "all"}},
          {"account", {.account_ids = {3}, .since = "all"}},
          {"time", {.since = time_text(15)}},
          {"duration", {.since = "1s"}},
          {"cursor", {.since = cursor}},
          {"unknown cursor", {.since = to_text(unknown)}},
          {"tail", {.tail = 12}},
          {"tail of an account", {.account_ids = {2}, .tail = 5}},
          {"tail since a time", {.account_ids = {2}, .since = time_text(15), .tail = 50}}};
}

class FaultyReads : public ::testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(OfTheLog, FaultyReads,
                         ::testing::Values(Fault{EIO, false}, Fault{EIO, true}, Fault{EMFILE, false},
                                           Fault{EMFILE, true}),
                         [](const auto& fault) {
                           return std::string(fault.param.error == EIO ? "Medium" : "Call") +
                                  (fault.param.is_lasting ? "Lasting" : "Once");
                         });

/// Any one open or read fails, or all from there on: whoever reads gets every event, or a gap, or the reason why it
/// ended; and the rest when the fault has gone.
void expect_no_silence(SimulatedFiles& files, const Fault& fault) {
  LogBroker log(files);
  for (const auto& [name, options] : starts(log)) {
    const auto whole = log.items(options);
    std::atomic<bool> has_failed{true};
    for (std::uint64_t at = 1; has_failed; ++at) {
      const std::string where = name + ", call " + std::to_string(at);
      set_fault(files, fault, at, has_failed);
      const auto got = log.read(options);
      files.set_read_plan({});
      expect_told(got.items, whole, !got.status, where);
      if (::testing::Test::HasFatalFailure()) return;
      // One failed call costs no event, and no failed call is damage but the medium's.
      if (!fault.is_lasting && got.status) {
        ASSERT_EQ(got.items, whole) << where;
      }
      if (fault.error != EIO) {
        ASSERT_THAT(got.items, ::testing::Not(::testing::Contains("[corrupt]"))) << where;
      }
      if (got.status) {
        ASSERT_EQ(log.items(options), whole) << where;
        continue;
      }
      ASSERT_THAT(got.status.message(), HasSubstr("the log cannot be read: ")) << where;
      auto all = got.items;
      SubscribeOptions rest = options;
      if (!all.empty()) {
        rest.since = got.cursor;
        rest.tail.reset();
      }
      for (const std::string& item : log.items(rest)) all.push_back(item);
      expect_told(all, whole, false, where + ", resumed");
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST_P(FaultyReads, ASubscriptionIsNeverSilent) { expect_no_silence(*make_log_of_segments(false), GetParam()); }

TEST_P(FaultyReads, ASubscriptionIsNeverSilentWhereIndexesAreMadeByReading) {
  const auto files = make_log_of_segments(true);
  damage_trailers(*files);
  expect_no_silence(*files, GetParam());
}

/// The same while the log is opened: it is refused, or it is whole; and it is whole the next time.
TEST_P(FaultyReads, ALogIsOpenedWholeOrNotAtAll) {
  const StoreSettings settings = tiny_segments();
  for (const bool is_closed : {false, true}) {
    const auto original = make_log_of_segments(is_closed);
    {
      // The oldest segments go, so that it has a past.
      StoreSettings few = settings;
      few.bytes_max = 6'000;
      OpenLog log(*original, few);
      ASSERT_GT(log.store->enforce_retention(), 0u);
    }
    std::atomic<bool> has_failed{true};
    for (std::uint64_t at = 1; has_failed; ++at) {
      const std::string where = (is_closed ? "closed, call " : "open, call ") + std::to_string(at);
      const auto files = original->after(PowerCut::none, 0);
      OpenLog untouched(original->after(PowerCut::none, 0), settings);
      const std::uint64_t oldest = untouched.store->oldest_position();
      const auto whole = read_all(*untouched.store, oldest);
      ASSERT_TRUE(untouched.store->removed_until());
      set_fault(*files, GetParam(), at, has_failed);
      for (int opens = 0; opens < 2; ++opens) {
        OpenLog log(*files, settings);
        files->set_read_plan({});
        if (!log.opened) {
          ASSERT_EQ(opens, 0) << where << ": " << log.opened.message();
          ASSERT_EQ(log.opened.code(), Code::broker_unavailable) << where;
          continue;
        }
        ASSERT_EQ(read_all(*log.store, oldest), whole) << where;
        ASSERT_EQ(log.store->removed_until(), untouched.store->removed_until()) << where;
        if (GetParam().error != EIO) {
          ASSERT_THAT(log.messages, ::testing::Not(::testing::Contains(HasSubstr("damaged")))) << where;
        }
      }
    }
  }
}

/// Nothing of the newest segment can be made out, and then a read of it fails.
TEST_P(FaultyReads, NoSegmentIsRemovedThatCouldNotBeRead) {
  const auto original = make_log_of_segments(false);
  const std::string path = original->paths().back();
  const std::string content(original->content(path).size(), '#');
  original->set_content(path, content);
  std::atomic<bool> has_failed{true};
  for (std::uint64_t at = 1; has_failed; ++at) {
    const auto files = original->after(PowerCut::none, 0);
    set_fault(*files, GetParam(), at, has_failed);
    OpenLog log(*files, tiny_segments());
    const auto paths = files->paths();
    ASSERT_THAT(paths, ::testing::Contains(path)) << "call " << at;
    ASSERT_EQ(files->content(path), content) << "call " << at;
  }
}

/// What tells repeats after a restart.
TEST_P(FaultyReads, TheNewestIdsAreAllVisitedOrTheLogSaysSo) {
  const auto files = make_log_of_segments(false);
  LogBroker log(*files);
  std::vector<std::string> whole;
  for (std::uint64_t i = 1; i <= events_made; ++i) whole.push_back("id-" + std::to_string(i));
  std::atomic<bool> has_failed{true};
  for (std::uint64_t at = 1; has_failed; ++at) {
    const auto said_before = log.count_messages("repeats of those will not be recognised");
    set_fault(*files, GetParam(), at, has_failed);
    std::vector<std::string> ids;
    log.broker->recent(LineMaker::start, 1'000, [&](const Line& line) { ids.emplace_back(line.id); });
    files->set_read_plan({});
    if (!GetParam().is_lasting) {
      ASSERT_EQ(ids, whole) << "call " << at;
    }
    ASSERT_EQ(log.count_messages("repeats of those will not be recognised"), said_before + (ids == whole ? 0 : 1))
        << "call " << at;
  }
}

TEST(FaultyRead, IsSaidOnceAMinuteHoweverManyReadersThereAre) {
  const auto files = make_log_of_segments(false);
  LogBroker log(*files);
  files->set_read_plan([](std::uint64_t, ReadCall) { return EMFILE; });
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(log.read({.since = "all"}).status);
  EXPECT_EQ(log.count_messages("Too many open files"), 1u);
  log.clock.advance(1min);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(log.read({.since = time_text(15)}).status);
  EXPECT_EQ(log.count_messages("Too many open files"), 2u);
}

TEST(FaultyRead, AfterAFailedSyncIsTriedAgainBeforeAnythingIsWritten) {
  std::atomic<bool> has_failed{true};
  for (std::uint64_t at = 1; has_failed; ++at) {
    OpenLog log(std::make_unique<SimulatedFiles>());
    ASSERT_EQ(log.append(1, 2), Code::ok);
    bool has_sync_failed = false;
    log.owned->set_plan([&](std::uint64_t, SimulatedFiles::Call call) {
      return SimulatedFiles::Plan{
          .error = call == SimulatedFiles::Call::sync && !std::exchange(has_sync_failed, true) ? EIO : 0};
    });
    ASSERT_EQ(log.append(3, 2), Code::in_doubt);
    set_fault(*log.owned, {.error = EMFILE}, at, has_failed);
    const bool is_repaired = log.writer->repair();
    ASSERT_EQ(is_repaired, !has_failed) << "call " << at;
    if (!is_repaired) {
      EXPECT_THAT(log.writer->failure(), HasSubstr("Too many open files"));
    }
    log.owned->set_read_plan({});
    ASSERT_TRUE(log.writer->repair());
    ASSERT_EQ(log.append(5, 1), Code::ok);
    EXPECT_THAT(short_form(read_all(*log.store)), ElementsAre("xx1", "xx2", "xx5"));
  }
}

TEST(FaultyRead, OfASegmentThatRetentionTakesMeanwhileIsExpired) {
  StoreSettings settings = tiny_segments();
  settings.bytes_max = 6'000;
  OpenLog log(make_log_of_segments(false), settings);
  bool has_opened = false;
  log.owned->set_read_plan([&](std::uint64_t, ReadCall call) {
    if (call == ReadCall::open && !std::exchange(has_opened, true)) {
      EXPECT_GT(log.store->enforce_retention(), 0u);
    }
    return 0;
  });
  const auto read = short_form(read_all(*log.store));
  const std::uint64_t oldest = log.store->oldest_position();
  ASSERT_GT(oldest, 1u);
  EXPECT_EQ(read.front(), "[expired " + std::to_string(oldest - 1) + "]");
  EXPECT_EQ(read.size(), 1 + events_made - (oldest - 1));
}

}  // namespace
}  // namespace tracking::file_log::test
