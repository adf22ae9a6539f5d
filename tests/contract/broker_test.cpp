// What every broker promises: delivery, filters, starting points, cursors, gaps, slow readers, ends.
#include <gtest/gtest.h>
#include <tracking/service.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <future>
#include <map>
#include <thread>

#include "contract/broker_backends.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

struct BrokerContract : ::testing::TestWithParam<BrokerBackend> {
  BrokerContract() : broker(GetParam().make()) {
    service = TrackingService::open(
                  std::vector<Account>{{.id = 1, .name = "a"}, {.id = 2, .name = "b"}, {.id = 3, .name = "c"}}, broker)
                  .value();
  }
  // A word becomes a JSON string; next() takes its quotes off again.
  Receipt track(AccountId id, std::string data = "0") {
    if (std::isalpha(static_cast<unsigned char>(data[0]))) data = '"' + data + '"';
    return service->track({.account_id = id, .data = data}).value();
  }
  // The same event many times, and waits for all.
  void track_many(AccountId id, const std::string& data, std::size_t count) {
    const std::vector<Event> events(count, Event{.account_id = id, .data = data});
    std::promise<std::size_t> accepted;
    service->track(events, [&](std::span<const Receipt> receipts) {
      accepted.set_value(static_cast<std::size_t>(
          std::count_if(receipts.begin(), receipts.end(), [](auto& receipt) { return receipt.code == Code::ok; })));
    });
    ASSERT_EQ(accepted.get_future().get(), count);
  }
  std::unique_ptr<Subscriber> subscribe(const SubscribeOptions& options = {}) {
    return service->subscribe(options).value();
  }
  // The next event's data; the reason of a gap in brackets; empty if nothing comes.
  static std::string next(Subscriber& subscriber, std::chrono::milliseconds timeout = 10s) {
    auto delivery = subscriber.next(timeout);
    if (!delivery) return "";
    if (delivery->gap()) return "[" + delivery->gap()->reason + "]";
    std::string data(delivery->event()->data);
    std::erase(data, '"');
    return data;
  }
  bool has_history() const { return broker->traits().has_history; }

  std::shared_ptr<Broker> broker;
  std::unique_ptr<TrackingService> service;
};

TEST_P(BrokerContract, EveryEventAfterSubscribingIsDeliveredOnceInOrder) {
  auto subscriber = subscribe();
  for (int i = 0; i < 1'000; ++i) track(1 + i % 3, std::to_string(i));
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(next(*subscriber), std::to_string(i));
  EXPECT_EQ(next(*subscriber, 1ms), "");
}

TEST_P(BrokerContract, OnlyTheAccountsAskedForAreDelivered) {
  auto one = subscribe({.account_ids = {1}});
  auto two = subscribe({.account_ids = {2, 3, 99}});
  for (int i = 0; i < 9; ++i) track(1 + i % 3, std::to_string(i));
  for (const char* expected : {"0", "3", "6"}) EXPECT_EQ(next(*one), expected);
  for (const char* expected : {"1", "2", "4", "5", "7", "8"}) EXPECT_EQ(next(*two), expected);
  EXPECT_EQ(next(*one, 1ms), "");
  EXPECT_EQ(next(*two, 1ms), "");
}

TEST_P(BrokerContract, TheLineIsTheOneThatWasPublished) {
  auto subscriber = subscribe();
  const Receipt receipt = track(2, R"({"a" : 1e400})");
  const auto delivery = subscriber->next(10s);
  ASSERT_TRUE(delivery);
  const EventFields& event = *delivery->event();
  EXPECT_EQ(event.id, receipt.id.view());
  EXPECT_EQ(event.account_id, 2);
  EXPECT_EQ(event.timestamp, receipt.timestamp);
  EXPECT_EQ(event.sequence, 1u);
  EXPECT_EQ(event.data, R"({"a" : 1e400})");
}

TEST_P(BrokerContract, ACursorResumesAfterItsEvent) {
  if (!has_history()) return;
  auto first = subscribe();
  for (int i = 0; i < 10; ++i) track(1, std::to_string(i));
  for (int i = 0; i < 4; ++i) next(*first);
  const std::string cursor = first->cursor();
  first.reset();
  track(1, "10");
  auto second = subscribe({.since = cursor});
  for (int i = 4; i <= 10; ++i) EXPECT_EQ(next(*second), std::to_string(i));
  EXPECT_EQ(next(*second, 1ms), "");
}

TEST_P(BrokerContract, TheOpeningCursorResumesBeforeTheFirstEvent) {
  if (!has_history()) return;
  track(1, "before");
  const std::string cursor = subscribe()->cursor();
  track(1, "after");
  auto resumed = subscribe({.since = cursor});
  EXPECT_EQ(next(*resumed), "after");
}

TEST_P(BrokerContract, TheCursorMovesOnWithEventsOfOtherAccounts) {
  if (!has_history()) return;
  auto subscriber = subscribe({.account_ids = {1}});
  EXPECT_EQ(next(*subscriber, 1ms), "");
  const std::string before = subscriber->cursor();
  track(2, "other");
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (subscriber->cursor() == before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_NE(subscriber->cursor(), before);
}

TEST_P(BrokerContract, HistoryIsReadFromItsBeginningByTimeAndByTail) {
  if (!has_history()) return;
  for (int i = 0; i < 6; ++i) {
    const Receipt receipt = track(1 + i % 2, std::to_string(i));
    while (std::chrono::system_clock::now() <= receipt.timestamp + 2us) std::this_thread::yield();
  }
  const auto read = [&](SubscribeOptions options) {
    options.follow = false;
    auto subscriber = subscribe(options);
    std::string all;
    while (auto delivery = subscriber->next()) all += delivery->event() ? delivery->event()->data : "[gap]";
    return all;
  };
  const std::string time = [&] {
    auto subscriber = subscribe({.since = "all", .tail = 3});
    const std::string json(subscriber->next(10s)->json());
    return json.substr(json.find("\"timestamp\":\"") + 13, std::string_view("2026-11-23T20:24:06.751257Z").size());
  }();
  EXPECT_EQ(read({.since = "all"}), "012345");
  EXPECT_EQ(read({.since = time}), "345") << "inclusive";
  EXPECT_EQ(read({.since = "1h"}), "012345");
  EXPECT_EQ(read({.tail = 2}), "45");
  EXPECT_EQ(read({.tail = 100}), "012345");
  EXPECT_EQ(read({.tail = 0}), "");
  EXPECT_EQ(read({.account_ids = {1}, .tail = 2}), "24");
  EXPECT_EQ(read({.since = time, .tail = 5}), "345") << "whichever is later";
  EXPECT_EQ(read({.since = time, .tail = 1}), "5");
  EXPECT_EQ(read({.since = "now"}), "");
  EXPECT_EQ(read({.since = "all", .limit = 2}), "01");
}

TEST_P(BrokerContract, HistoryGoesOverIntoTheLiveStreamWithoutASeam) {
  if (!has_history()) return;
  constexpr int batches = 200;
  constexpr int batch_size = 100;
  std::thread tracker([&] {
    for (int i = 0; i < batches; ++i) track_many(1, std::to_string(i), batch_size);
  });
  auto subscriber = subscribe({.since = "all", .buffer_bytes_max = 256u << 20});
  for (int i = 0; i < batches * batch_size; ++i) ASSERT_EQ(next(*subscriber), std::to_string(i / batch_size));
  tracker.join();
}

TEST_P(BrokerContract, AnUnreadableCursorIsAGapAndGoesOnLive) {
  track(1, "before");
  auto subscriber = subscribe({.since = "c_garbage"});
  track(1, "after");
  EXPECT_EQ(next(*subscriber), "[unknown-cursor]");
  EXPECT_EQ(next(*subscriber), "after");
}

TEST_P(BrokerContract, ACursorOfAnotherRunIsAGapAndGoesOnWithWhatIsNotOlder) {
  if (!has_history()) return;
  track(1, "before");
  const Timestamp between = track(1, "between").timestamp;
  while (std::chrono::system_clock::now() <= between + 2us) std::this_thread::yield();
  const std::string foreign = to_text({.incarnation = 1, .position = 5, .timestamp = between + 1us, .id_hash = 7});
  track(1, "after");
  auto subscriber = subscribe({.since = foreign});
  EXPECT_EQ(next(*subscriber), "[unknown-cursor]");
  EXPECT_EQ(next(*subscriber), "after");
}

TEST_P(BrokerContract, ACursorWhosePositionMeansAnotherEventNowIsNoticed) {
  if (!has_history()) return;
  auto subscriber = subscribe();
  track(1, "0");
  next(*subscriber);
  Cursor cursor = parse_cursor(subscriber->cursor()).value();
  ++cursor.id_hash;
  auto resumed = subscribe({.since = to_text(cursor)});
  EXPECT_EQ(next(*resumed), "[unknown-cursor]");
  Cursor ahead = parse_cursor(subscriber->cursor()).value();
  ahead.position += 1'000;
  EXPECT_EQ(next(*subscribe({.since = to_text(ahead)})), "[unknown-cursor]");
}

TEST_P(BrokerContract, ASlowSubscriberLosesTheOldestIsToldHowManyAndDelaysNoOne) {
  constexpr int events = 20'000;
  auto slow = subscribe({.account_ids = {1}});
  auto slow_for_all = subscribe();
  auto fast = subscribe({.buffer_bytes_max = 256u << 20});
  const std::string data = '"' + std::string(200, 'x') + '"';
  for (int i = 0; i < events; i += 100) track_many(1, data, 100);
  for (int i = 0; i < events; ++i) ASSERT_TRUE(fast->next(10s)->event());
  EXPECT_FALSE(fast->next(1ms));
  for (Subscriber* subscriber : {slow.get(), slow_for_all.get()}) {
    auto gap = subscriber->next(10s);
    ASSERT_TRUE(gap && gap->gap());
    EXPECT_EQ(gap->gap()->reason, gap_reason::slow_subscriber);
    const std::uint64_t missed = gap->gap()->missed.value();
    EXPECT_GT(missed, 0u);
    std::uint64_t received = 0;
    std::uint64_t bytes = 0;
    while (auto delivery = subscriber->next(1ms)) {
      ASSERT_TRUE(delivery->event());
      EXPECT_EQ(delivery->event()->sequence, missed + ++received);
      bytes += delivery->json().size();
    }
    EXPECT_EQ(received + missed, static_cast<std::uint64_t>(events)) << "lost is what was told, and no more";
    EXPECT_LE(bytes, 1u << 20);
    EXPECT_GT(bytes, (1u << 20) * 9 / 10);
  }
}

TEST_P(BrokerContract, AddedAccountsBeginWithWhatIsAcceptedFromThenOn) {
  auto subscriber = subscribe({.account_ids = {1}});
  track(1, "a");
  track(2, "too early");
  ASSERT_TRUE(subscriber->set_accounts({1, 2}));
  track(2, "b");
  track(1, "c");
  for (const char* expected : {"a", "b", "c"}) EXPECT_EQ(next(*subscriber), expected);
  track(1, "d");
  ASSERT_TRUE(subscriber->set_accounts({2}));
  track(1, "removed");
  track(2, "e");
  EXPECT_EQ(next(*subscriber), "e") << "what was waiting of a removed account is not delivered";
  ASSERT_TRUE(subscriber->set_accounts({}));
  track(3, "f");
  EXPECT_EQ(next(*subscriber), "f");
}

TEST_P(BrokerContract, ASubscriberMayGoAwayWhileEventsCome) {
  std::atomic<bool> is_over{false};
  std::thread tracker([&] {
    while (!is_over) {
      if (!service->track({.account_id = 1, .data = "0"})) std::this_thread::yield();  // its queue is full
    }
  });
  for (int i = 0; i < 200; ++i) {
    auto subscriber = i % 2 ? subscribe() : subscribe({.account_ids = {1}});
    if (i % 3 == 0) subscriber->next(1s);
  }
  is_over = true;
  tracker.join();
}

TEST_P(BrokerContract, ManyPublishersKeepTheirOrder) {
  constexpr int threads = 4;
  constexpr int events = 2'000;
  auto subscriber = subscribe({.buffer_bytes_max = 256u << 20});
  std::vector<std::thread> trackers;
  for (int i = 0; i < threads; ++i) {
    trackers.emplace_back([this, i] {
      const auto lane = service->lane();
      for (int k = 0; k < events; ++k) {
        const Event event{.account_id = 1 + i % 3, .data = "0"};
        std::atomic<bool> is_done{false};
        lane->track(std::span(&event, 1), [&](std::span<const Receipt>) { is_done = true; });
        while (!is_done) std::this_thread::yield();
      }
    });
  }
  std::map<std::pair<std::string, AccountId>, std::uint64_t> last;
  for (int i = 0; i < threads * events; ++i) {
    const auto delivery = subscriber->next(30s);
    ASSERT_TRUE(delivery && delivery->event());
    const EventFields& event = *delivery->event();
    EXPECT_EQ(event.sequence, ++last[std::make_pair(std::string(event.producer), event.account_id)]);
  }
  for (auto& tracker : trackers) tracker.join();
}

TEST_P(BrokerContract, IsHealthyUntilItIsClosed) {
  EXPECT_TRUE(broker->health());
  auto subscriber = subscribe();
  track(1, "last");
  EXPECT_TRUE(service->close(20s));
  EXPECT_EQ(next(*subscriber), "last");
  EXPECT_FALSE(subscriber->next());
}

INSTANTIATE_TEST_SUITE_P(Brokers, BrokerContract, ::testing::ValuesIn(broker_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace tracking::test
