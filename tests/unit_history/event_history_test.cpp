// Holes, gaps and restarts of a history in memory; what every broker promises is tested by the contract suite.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "unit_history/support.h"

namespace tracking::history {
namespace {

struct EventHistoryTest : ::testing::Test {
  std::unique_ptr<Subscription> open(const SubscribeOptions& options = {}) {
    return history
        ->open(
            options, [this] { ++wakes; }, history)
        .value();
  }
  std::unique_ptr<HistoryReader> open_at(std::uint64_t position, AccountFilter filter = {}) {
    return history->open_at({.position = position, .filter = std::move(filter)},
                            std::make_shared<WakeCell>([this] { ++wakes; }), history);
  }

  std::atomic<int> wakes = 0;
  std::shared_ptr<EventHistory> history =
      std::make_shared<EventHistory>(HistorySettings{.bytes_max = 1 << 20, .incarnation = 7}, Clock::system());
};

TEST_F(EventHistoryTest, HolesNarrowAndWideAreNoEventsAndNoLoss) {
  auto all = open();
  auto one = open({.account_ids = {1}});
  for (const std::uint64_t position : {3u, 4u, 9u, 100'000u, 100'002u, 2'000'000u}) put(*history, position);
  EXPECT_EQ(read_all(*all), "3 4 9 100000 100002 2000000");
  EXPECT_EQ(read_all(*one), "3 4 9 100000 100002 2000000");
  EXPECT_EQ(read_all(*open({.since = "all"})), "3 4 9 100000 100002 2000000");
  EXPECT_EQ(read_all(*open({.tail = 3})), "100000 100002 2000000");
  EXPECT_EQ(read_all(*open({.tail = 100})), "3 4 9 100000 100002 2000000");
  EXPECT_EQ(history->stats().history_events, 6u);
}

// Lines that stand one behind the other in memory are copied together: wherever that begins and ends, each stays
// itself.
TEST_F(EventHistoryTest, LinesOfOneBatchAreAsTheyWereHoweverTheyStandInMemory) {
  history = std::make_shared<EventHistory>(HistorySettings{.bytes_max = 64u << 20}, Clock::system());
  auto reader = open({.buffer_bytes_max = 64u << 20});
  std::vector<std::string> expected;
  for (const std::size_t size : {std::size_t{40}, std::size_t{700}, Chunk::text_bytes / 3, 2 * Chunk::text_bytes}) {
    const std::size_t count = size < 1'000 ? 2 * Chunk::entries_max + 1 : 7;
    std::string together;  // every third stands somewhere else
    std::vector<std::string> apart(count);
    together.reserve(count * (size + 8));
    std::vector<Line> lines;
    for (std::size_t i = 0; i < count; ++i) {
      std::string text =
          std::to_string(expected.size()) + ' ' + std::string(size - i % 13, static_cast<char>('a' + i % 26));
      expected.push_back(text);
      std::string_view place;
      if (i % 3 == 0) {
        place = apart[i] = std::move(text);
      } else {
        together += text;
        place = std::string_view(together).substr(together.size() - text.size());
      }
      lines.push_back({.json = place, .account_id = static_cast<AccountId>(1 + i % 5)});
    }
    ASSERT_LE(together.size(), count * (size + 8)) << "the views would dangle";
    ASSERT_EQ(history->append(Lines(lines, AckLevel::sent)), count);
    Deliveries out;
    for (std::size_t i = expected.size() - count; i < expected.size();) {
      reader->read(out, 100, 1 << 20);
      ASSERT_FALSE(out.empty());
      for (const DeliveryView& view : out) {
        ASSERT_FALSE(view.gap) << "at " << i;
        ASSERT_EQ(view.json, expected[i]);
        ASSERT_EQ(view.account_id, static_cast<AccountId>(1 + (i - (expected.size() - count)) % 5));
        ++i;
      }
    }
  }
}

class PreparedLines : public EventHistoryTest {
 protected:
  /// Lines of 16 bytes, one behind the other: the letter, and the number in the batch.
  Lines lines(char letter, std::size_t count) {
    std::string& text = texts_.emplace_back();
    for (std::size_t i = 0; i < count; ++i) {
      std::string number = std::to_string(i);
      text += letter + std::string(15 - number.size(), '0') + number;
    }
    std::vector<Line>& made = lines_.emplace_back();
    for (std::size_t i = 0; i < count; ++i)
      made.push_back({.json = std::string_view(text).substr(16 * i, 16), .account_id = 1});
    return Lines(made, AckLevel::stored);
  }
  std::string& last_text() { return texts_.back(); }

  /// "a*3 b*2": the letters of what came, which must be whole batches in order.
  static std::string read_letters(Subscription& subscription) {
    std::string text;
    char letter = 0;
    std::size_t count = 0;
    const auto flush = [&] {
      if (count > 0) text += (text.empty() ? "" : " ") + std::string(1, letter) + '*' + std::to_string(count);
    };
    Deliveries out;
    for (ReadState state = ReadState::more; state == ReadState::more;) {
      state = subscription.read(out, 64, 1 << 20);
      for (const DeliveryView& view : out) {
        if (view.gap) return text + " [" + view.gap->reason + "]";
        if (view.json[0] != letter) {
          flush();
          letter = view.json[0];
          count = 0;
        }
        EXPECT_EQ(std::stoul(std::string(view.json.substr(1))), count);
        ++count;
      }
    }
    flush();
    return text;
  }

 private:
  std::deque<std::string> texts_;
  std::deque<std::vector<Line>> lines_;
};

TEST_F(PreparedLines, AreSeenByNobodyUntilTheyAreAppendedAndAreNotCopiedAgain) {
  auto reader = open();
  const Lines some = lines('a', 3);
  const auto prepared = history->prepare(some);
  EXPECT_EQ(read_letters(*reader), "");
  EXPECT_EQ(history->stats().history_events, 0u);
  last_text()[0] = 'X';
  history->append_all(some, prepared);
  EXPECT_EQ(read_letters(*reader), "a*3");
}

TEST_F(PreparedLines, ThatAreNeverAppendedLeaveNoTrace) {
  auto reader = open();
  (void)history->prepare(lines('a', 5));
  const Lines shorter = lines('b', 2);
  history->append_all(shorter, history->prepare(shorter));
  (void)history->prepare(lines('c', 2));
  const Lines longer = lines('d', 7);
  history->append_all(longer, history->prepare(longer));
  EXPECT_EQ(read_letters(*reader), "b*2 d*7");
}

// Of two that prepare, each for the same place, the later one's text stands there.
TEST_F(PreparedLines, AreCopiedAfterAllIfOthersWerePrepared) {
  auto reader = open();
  const Lines some = lines('a', 3);
  const Lines others = lines('b', 3);
  const auto prepared = history->prepare(some);
  const auto of_others = history->prepare(others);
  history->append_all(some, prepared);
  history->append_all(others, of_others);
  EXPECT_EQ(read_letters(*reader), "a*3 b*3");
}

// A new chunk was begun for them: it stays, empty, until others come, also such as need a larger one.
TEST_F(PreparedLines, ThatWereToBeginAChunkLeaveNothingToBeRead) {
  history = std::make_shared<EventHistory>(HistorySettings{.bytes_max = 64u << 20}, Clock::system());
  auto reader = open({.buffer_bytes_max = 64u << 20});
  history->append_all(lines('a', Chunk::entries_max));
  (void)history->prepare(lines('b', 2));
  EXPECT_EQ(history->stats().history_events, Chunk::entries_max);
  EXPECT_EQ(history->extent().next - history->extent().oldest, Chunk::entries_max);
  Deliveries newest;
  open({.tail = 2})->read(newest, 64, 1 << 20);
  EXPECT_EQ(newest.size(), 2u);
  const std::string large = "x" + std::string(2 * Chunk::text_bytes, '0');
  const Line line{.json = large, .account_id = 1};
  history->append_all(Lines({&line, 1}, AckLevel::stored));
  history->append_all(lines('c', 2));
  EXPECT_EQ(read_letters(*reader), "a*4096 x*1 c*2");
  EXPECT_EQ(read_letters(*open({.since = "all"})), "a*4096 x*1 c*2");
}

TEST_F(PreparedLines, AreCopiedAfterAllIfTheirPlaceIsTaken) {
  auto reader = open();
  const Lines some = lines('a', 3);
  const auto prepared = history->prepare(some);
  history->append_all(lines('b', 4));
  history->append_all(some, prepared);
  EXPECT_EQ(read_letters(*reader), "b*4 a*3");

  const auto early = history->prepare(some);
  history->restart(8, 100);
  history->append_all(some, early);
  EXPECT_EQ(read_letters(*reader), " [unknown-cursor]");
  EXPECT_EQ(read_letters(*open({.since = "all"})), "a*3");
}

TEST_F(PreparedLines, MayBeMoreThanOneChunkHolds) {
  history = std::make_shared<EventHistory>(HistorySettings{.bytes_max = 64u << 20}, Clock::system());
  auto reader = open({.buffer_bytes_max = 64u << 20});
  history->append_all(lines('a', Chunk::entries_max - 1));
  for (const char letter : {'b', 'c'}) {
    const Lines many = lines(letter, 2 * Chunk::entries_max + 5);
    history->append_all(many, history->prepare(many));
  }
  EXPECT_EQ(read_letters(*reader), "a*4095 b*8197 c*8197");
}

TEST_F(EventHistoryTest, APositionThatHasPassedIsIgnored) {
  put(*history, 5);
  put(*history, 5);
  put(*history, 2);
  EXPECT_EQ(read_all(*open({.since = "all"})), "5");
}

TEST_F(EventHistoryTest, ACursorIntoAHoleResumesBehindIt) {
  put(*history, 5);
  put(*history, 90'000);
  for (const std::uint64_t position : {6u, 50'000u, 89'999u}) {
    const Cursor cursor{.incarnation = 7, .position = position};
    EXPECT_EQ(read_all(*open({.since = to_text(cursor)})), "90000") << position;
  }
}

TEST_F(EventHistoryTest, ManyWideHolesDoNotGrowItWithoutBound) {
  for (std::uint64_t i = 1; i <= 1'000; ++i) put(*history, i * 10'000);
  EXPECT_LE(history->stats().history_events, 20u) << "each of them keeps a chunk";
}

TEST_F(EventHistoryTest, AGapIsToldToWhomItConcernsBetweenTheEventsWhereItStands) {
  auto all = open();
  auto one = open({.account_ids = {1}});
  auto two = open({.account_ids = {2}});
  put(*history, 1, 1);
  history->append_gap({.reason = "disconnected"});
  put(*history, 2, 2);
  history->append_gap({.reason = "sequence", .missed = 3, .account_id = 2});
  put(*history, 3, 1);
  EXPECT_EQ(read_all(*all), "1 [disconnected] 2 [sequence 3] 3");
  EXPECT_EQ(read_all(*one), "1 [disconnected] 3");
  EXPECT_EQ(read_all(*two), "[disconnected] 2 [sequence 3]");
  EXPECT_EQ(read_all(*open()), "") << "who comes later missed nothing";
}

TEST_F(EventHistoryTest, AGapWakesWhoWaits) {
  auto all = open();
  auto one = open({.account_ids = {1}});
  EXPECT_EQ(read_all(*all) + read_all(*one), "");
  history->append_gap({.reason = "disconnected"});
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(read_all(*all), "[disconnected]");
  EXPECT_EQ(read_all(*one), "[disconnected]");
  put(*history, 1);
  EXPECT_EQ(wakes, 4);
}

TEST_F(EventHistoryTest, AFloodOfGapsIsBoundedAndLosesNoCount) {
  auto reader = open();
  for (int i = 0; i < 5'000; ++i) history->append_gap({.reason = "sequence", .missed = 1, .account_id = 1 + i % 7});
  Deliveries deliveries;
  reader->read(deliveries, 100'000, 1 << 30);
  std::uint64_t missed = 0;
  for (const DeliveryView& view : deliveries) missed += view.gap->missed.value();
  EXPECT_EQ(missed, 5'000u);
  EXPECT_LE(deliveries.size(), 1'024u);
}

TEST_F(EventHistoryTest, ARestartIsToldAndEverythingFollowsFromThere) {
  auto all = open();
  auto one = open({.account_ids = {1}});
  auto idle = open();
  EXPECT_EQ(read_all(*idle), "");
  put(*history, 100);
  EXPECT_EQ(read_all(*idle), "100");
  history->restart(8, 1);
  EXPECT_EQ(wakes, 2);
  put(*history, 1);
  put(*history, 2, 2);
  EXPECT_EQ(read_all(*all), "[unknown-cursor] 1 2") << "what was not read yet is gone";
  EXPECT_EQ(read_all(*one), "[unknown-cursor] 1");
  EXPECT_EQ(read_all(*idle), "[unknown-cursor] 1 2");
  EXPECT_EQ(parse_cursor(idle->cursor())->incarnation, 8u);
  put(*history, 3);
  EXPECT_EQ(read_all(*idle), "3");
}

TEST_F(EventHistoryTest, WithoutResumptionThePastIsExpired) {
  history = std::make_shared<EventHistory>(HistorySettings{.is_resumable = false}, Clock::system());
  put(*history, 1);
  const std::string before = open()->cursor();
  put(*history, 2);
  for (const SubscribeOptions& past :
       {SubscribeOptions{.since = "all"}, {.since = "1h"}, {.since = before}, {.since = "now", .tail = 1}}) {
    auto reader = open(past);
    put(*history, history->extent().next);
    EXPECT_EQ(read_all(*reader).substr(0, 10), "[expired] ") << past.since.text();
  }
  EXPECT_EQ(read_all(*open({.since = open()->cursor()})), "") << "nothing came after it";
  ReadState state{};
  EXPECT_EQ(read_all(*open({.since = "all", .follow = false}), &state), "[expired]");
  EXPECT_EQ(state, ReadState::ended);
}

TEST_F(EventHistoryTest, AReaderFromAPositionStartsThereOrNotAtAll) {
  history->skip_to(50);
  EXPECT_FALSE(open_at(49));
  auto reader = open_at(50);
  ASSERT_TRUE(reader);
  put(*history, 50);
  put(*history, 51);
  EXPECT_EQ(read_all(*reader), "50 51");
  EXPECT_EQ(read_all(*open_at(51)), "51");
}

TEST_F(EventHistoryTest, AReaderFromAPositionToComeGetsNothingBeforeIt) {
  auto all = open_at(3);
  auto one = open_at(3, AccountFilter(std::vector<AccountId>{1}, 0));
  EXPECT_EQ(read_all(*all) + read_all(*one), "");
  for (std::uint64_t position = 1; position <= 4; ++position) put(*history, position);
  EXPECT_EQ(read_all(*all), "3 4");
  EXPECT_EQ(read_all(*one), "3 4");
}

TEST_F(EventHistoryTest, AReaderThatCatchesUpSaysWhereItFellBehind) {
  for (std::uint64_t position = 1; position <= 10; ++position) put(*history, position);
  auto reader = open_at(4);
  Deliveries deliveries;
  reader->read(deliveries, 2, 1 << 20);
  for (std::uint64_t position = 11; position <= 40'000; ++position) put(*history, position);
  EXPECT_EQ(reader->read(deliveries, 2, 1 << 20), ReadState::more);
  EXPECT_TRUE(deliveries.empty());
  EXPECT_EQ(reader->fell_behind(), std::optional<std::uint64_t>(6));
}

TEST_F(EventHistoryTest, WhoKeepsUpIsToldWhatHappensBetweenItsReads) {
  auto reader = open();
  const auto put_and_read = [&](std::uint64_t position) {
    put(*history, position);
    return read_once(*reader);
  };
  EXPECT_EQ(put_and_read(1), "1");
  EXPECT_EQ(put_and_read(2), "2");
  history->append_gap({.reason = "disconnected"});
  EXPECT_EQ(put_and_read(3), "[disconnected] 3");
  EXPECT_EQ(put_and_read(9), "9") << "after a hole";
  history->restart(8, 1);
  EXPECT_EQ(put_and_read(1), "[unknown-cursor] 1");
  EXPECT_EQ(put_and_read(2), "2");
  EXPECT_EQ(parse_cursor(reader->cursor())->incarnation, 8u);
  history->close();
  ReadState state = ReadState::more;
  EXPECT_EQ(read_all(*reader, &state), "");
  EXPECT_EQ(state, ReadState::ended);
}

TEST_F(EventHistoryTest, WhoKeptUpAndFallsBehindIsToldHowMuchItMissed) {
  auto reader = open({.buffer_bytes_max = 10 * line_json(1, 10).size()});
  for (std::uint64_t position = 10; position < 12; ++position) {
    put(*history, position);
    EXPECT_EQ(read_once(*reader), std::to_string(position));
  }
  for (std::uint64_t position = 12; position < 25; ++position) put(*history, position);
  EXPECT_EQ(read_all(*reader), "[slow-subscriber 3] 15 16 17 18 19 20 21 22 23 24");
}

TEST_F(EventHistoryTest, WhoReadsNoMoreKeepsNoLines) {
  auto reader = open({.buffer_bytes_max = 1 << 30});
  put(*history, 1);
  EXPECT_EQ(read_once(*reader), "1");
  put(*history, 2);
  EXPECT_EQ(read_once(*reader), "2");
  for (std::uint64_t position = 3; position <= 40'000; ++position) put(*history, position);
  const std::uint64_t oldest = history->extent().oldest;
  EXPECT_GT(oldest, 3u) << "the history let go of what the reader would have read";
  EXPECT_EQ(read_once(*reader).substr(0, 15), "[slow-subscribe");
}

TEST_F(EventHistoryTest, EventsAndGapsComeOnceAndInOrderWhileOthersAreAppended) {
  constexpr std::uint64_t events = 100'000;
  auto reader = open({.buffer_bytes_max = 1 << 30});
  std::atomic<std::uint64_t> seen = 0;
  std::thread appending([&] {
    for (std::uint64_t position = 1; position <= events; ++position) {
      put(*history, position);
      if (position % 100 == 0) history->append_gap({.reason = "disconnected"});
      while (position > seen + 1'000) std::this_thread::yield();  // what is not read yet is not to be evicted
    }
  });
  Deliveries deliveries;
  std::uint64_t gaps = 0;
  bool is_in_order = true;
  while (is_in_order && seen < events) {
    if (reader->read(deliveries, 64, 1 << 20) == ReadState::idle && deliveries.empty()) std::this_thread::yield();
    for (const DeliveryView& view : deliveries) {
      if (view.gap) {
        ++gaps;
        is_in_order &= seen == 100 * gaps;
      } else {
        is_in_order &= view.cursor.position == seen + 1 && view.json == line_json(1, seen + 1);
        ++seen;
      }
    }
  }
  seen = events;  // lets the other go, should this one have failed
  appending.join();
  EXPECT_TRUE(is_in_order);
}

}  // namespace
}  // namespace tracking::history
