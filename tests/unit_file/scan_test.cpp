// The broker over the simulated files: commits, ack levels, outages, and subscriptions that read the log.
#include <gmock/gmock.h>

#include <tracking/completion_burst.h>
#include <tracking/service.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "file/file_broker.h"
#include "unit_file/support.h"

namespace tracking::file_log::test {
namespace {

using namespace std::chrono_literals;
using Call = SimulatedFiles::Call;
using Plan = SimulatedFiles::Plan;

/// A service over a log in simulated files.
struct LogService {
  explicit LogService(SimulatedFiles& the_files, BrokerSettings settings = small()) : files(the_files) {
    broker = open_file_broker(settings, files, Clock::system(), {}).value();
    service =
        TrackingService::open(std::vector<Account>{{.id = 1, .name = "a"}, {.id = 2, .name = "b"}}, broker).value();
  }
  static BrokerSettings small() {
    BrokerSettings settings;
    settings.store = OpenLog::small_segments();
    settings.store.segment_bytes = 64 << 10;
    settings.commit.repair_every = 5ms;
    settings.live_bytes_max = 16 << 10;  // chunks are larger: little is left of it soon
    return settings;
  }
  Receipt track(AccountId account, const std::string& data, AckLevel ack = AckLevel::stored, std::string id = "") {
    const Event event{.account_id = account, .data = data, .id = id};
    return service->track(std::span(&event, 1), {.ack = ack})[0];
  }
  std::vector<std::string> read(SubscribeOptions options) {
    options.follow = false;
    auto subscriber = service->subscribe(options).value();
    std::vector<std::string> all;
    while (auto delivery = subscriber->next())
      all.push_back(delivery->event() ? std::string(delivery->event()->data) : "[" + delivery->gap()->reason + "]");
    return all;
  }

  SimulatedFiles& files;
  std::shared_ptr<Broker> broker;
  std::unique_ptr<TrackingService> service;
};

TEST(FileBroker, StoredAndSentAreWhatTheySay) {
  SimulatedFiles files;
  LogService log(files);
  EXPECT_EQ(log.service->default_ack(), AckLevel::stored);
  EXPECT_EQ(log.track(1, "1").ack, AckLevel::stored);
  OpenLog after_a_cut(files.after(PowerCut::dropped, 1));
  EXPECT_EQ(read_all(*after_a_cut.store).size(), 1u);
  EXPECT_EQ(log.track(1, "2", AckLevel::sent).ack, AckLevel::sent);
}

TEST(FileBroker, NobodySeesAnEventBeforeItIsSynced) {
  SimulatedFiles files;
  LogService log(files);
  log.track(1, "0");
  auto subscriber = log.service->subscribe({}).value();
  std::mutex mutex;
  std::unique_lock holds_the_disk(mutex);
  files.set_sync_hook([&] { const std::lock_guard wait(mutex); });
  log.track(1, "1", AckLevel::sent);
  EXPECT_FALSE(subscriber->next(50ms));
  EXPECT_THAT(log.read({.since = "all"}), ::testing::ElementsAre("0"));
  holds_the_disk.unlock();
  const auto delivery = subscriber->next(10s);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->event()->data, "1");
}

TEST(FileBroker, WhatQueuedMeanwhileIsOneSync) {
  SimulatedFiles files;
  LogService log(files);
  log.track(1, "0");
  std::mutex mutex;
  std::unique_lock holds_the_disk(mutex);
  std::atomic<int> syncs{0};
  files.set_sync_hook([&] {
    ++syncs;
    const std::lock_guard wait(mutex);
  });
  std::atomic<int> stored{0};
  const Event event{.account_id = 1, .data = "1"};
  const auto track = [&] {
    log.service->track(std::span(&event, 1),
                       [&](std::span<const Receipt> receipts) { stored += receipts[0].code == Code::ok; }, {});
  };
  track();
  while (syncs == 0) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) track();
  EXPECT_EQ(stored, 0);
  holds_the_disk.unlock();
  while (stored < 101) std::this_thread::yield();
  EXPECT_EQ(syncs, 2);
}

// An event loop that waits for many of them is woken once, not by each while the thread that tells it has more to tell.
TEST(FileBroker, WhatIsOneSyncIsToldInOneBurst) {
  struct Loop final : CompletionBurst::Deferred {
    void run() noexcept override { ++wakes; }
    std::atomic<int> wakes{0};
  } loop;
  SimulatedFiles files;
  LogService log(files);
  log.track(1, "0");
  std::mutex mutex;
  std::unique_lock holds_the_disk(mutex);
  std::atomic<int> syncs{0};
  files.set_sync_hook([&] {
    ++syncs;
    const std::lock_guard wait(mutex);
  });
  std::atomic<int> told{0};
  std::atomic<int> told_outside_of_a_burst{0};
  const Event event{.account_id = 1, .data = "1"};
  const auto track = [&](bool wakes_the_loop) {
    log.service->track(std::span(&event, 1),
                       [&, wakes_the_loop](std::span<const Receipt>) {
                         if (wakes_the_loop) told_outside_of_a_burst += CompletionBurst::defer(loop) ? 0 : 1;
                         ++told;
                       },
                       {});
  };
  track(false);
  while (syncs == 0) std::this_thread::yield();
  track(true);
  for (int i = 0; i < 10; ++i) track(false);
  holds_the_disk.unlock();
  while (loop.wakes == 0 && told_outside_of_a_burst == 0) std::this_thread::yield();
  EXPECT_EQ(told, 12) << "the burst ended before all were told";
  EXPECT_EQ(loop.wakes, 1);
  EXPECT_EQ(told_outside_of_a_burst, 0);
}

TEST(FileBroker, AFullQueueIsOverloadedAtOnce) {
  SimulatedFiles files;
  BrokerSettings settings = LogService::small();
  settings.commit.queue_bytes_max = 64 << 10;
  LogService log(files, settings);
  std::mutex mutex;
  std::unique_lock holds_the_disk(mutex);
  files.set_sync_hook([&] { const std::lock_guard wait(mutex); });
  const std::string data = '"' + std::string(10'000, 'x') + '"';
  Code code = Code::ok;
  for (int i = 0; i < 20 && code == Code::ok; ++i) code = log.track(1, data, AckLevel::sent).code;
  EXPECT_EQ(code, Code::overloaded);
  holds_the_disk.unlock();
  for (; log.track(1, data).code != Code::ok;) std::this_thread::yield();
}

TEST(FileBroker, AFailedSyncIsInDoubtOnceAndARepeatDoublesNothing) {
  SimulatedFiles files;
  LogService log(files);
  log.track(1, "0");
  std::atomic<bool> has_failed{false};
  files.set_plan([&](std::uint64_t, Call call) {
    return Plan{.error = call == Call::sync && !has_failed.exchange(true) ? EIO : 0};
  });
  EXPECT_EQ(log.track(1, "1", AckLevel::stored, "mine").code, Code::in_doubt);
  Receipt again;
  while ((again = log.track(1, "1", AckLevel::stored, "mine")).code == Code::broker_unavailable)
    std::this_thread::yield();
  EXPECT_EQ(again.code, Code::ok);
  EXPECT_FALSE(again.duplicate);
  EXPECT_THAT(log.read({.since = "all"}), ::testing::ElementsAre("0", "1"));
}

// Its lines stand in the live history already when the sync fails.
TEST(FileBroker, ALiveSubscriberSeesNothingOfWhatCouldNotBeSynced) {
  for (const Call failing : {Call::begin_sync, Call::sync}) {
    SimulatedFiles files;
    LogService log(files);
    auto live = log.service->subscribe({}).value();
    log.track(1, "0");
    std::atomic<bool> has_failed{false};
    files.set_plan([&](std::uint64_t, Call call) {
      return Plan{.error = call == failing && !has_failed.exchange(true) ? EIO : 0};
    });
    EXPECT_EQ(log.track(1, "13").code, Code::in_doubt);
    while (log.track(2, "2").code == Code::broker_unavailable) std::this_thread::yield();
    std::vector<std::string> seen;
    while (seen.empty() || seen.back() != "2") seen.emplace_back(live->next()->event()->data);
    EXPECT_THAT(seen, ::testing::ElementsAre("0", "2"));
  }
}

TEST(FileBroker, AFullDiskIsToldByItsHealthAndPassesByItself) {
  SimulatedFiles files;
  LogService log(files);
  log.track(1, "0");
  files.set_capacity(1);
  const std::string data = '"' + std::string(100'000, 'x') + '"';
  const Event event{.account_id = 1, .data = data};
  std::string told;  // to whom is told that an event failed
  while (told.empty()) {
    std::promise<std::string> health;
    log.service->track(std::span(&event, 1), [&](std::span<const Receipt> receipts) {
      health.set_value(receipts[0].code == Code::ok ? "" : "health: " + log.broker->health().message());
    });
    told = health.get_future().get();
  }
  EXPECT_THAT(told, ::testing::HasSubstr("No space left"));
  EXPECT_EQ(log.read({.since = "all", .limit = 1}), std::vector<std::string>{"0"}) << "reads go on";
  files.set_capacity(UINT64_MAX);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!log.broker->health() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(log.track(1, "1").code, Code::ok);
}

TEST(FileBroker, IdsAreKnownAfterARestart) {
  SimulatedFiles files;
  Receipt named;
  Receipt given;
  {
    LogService log(files);
    named = log.track(1, "1", AckLevel::stored, "mine");
    given = log.track(1, "2");
  }
  LogService log(files);
  for (const Receipt& first : {named, given}) {
    const Receipt again = log.track(1, "0", AckLevel::stored, std::string(first.id));
    EXPECT_EQ(again.code, Code::ok);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.ack, AckLevel::stored);
    EXPECT_EQ(again.timestamp, first.timestamp);
  }
  EXPECT_FALSE(log.track(2, "0", AckLevel::stored, "mine").duplicate) << "of another account";
  EXPECT_EQ(log.read({.since = "all"}).size(), 3u);
}

/// Enough that most of it is no longer in memory.
void fill(LogService& log, int events) {
  const std::string padding(200, 'x');
  std::vector<std::string> data;
  std::vector<Event> batch;
  for (int i = 0; i < events; ++i) data.push_back('"' + std::to_string(i) + padding + '"');
  for (int i = 0; i < events; ++i)
    batch.push_back({.account_id = i % 100 == 7 ? 2 : 1, .data = data[static_cast<std::size_t>(i)]});
  // What is of one account at a time: an event whose account is looked up, maybe again if that took long, does not hold
  // up the others of its batch.
  for (std::span<const Event> rest = batch; !rest.empty();) {
    const auto other = std::find_if(rest.begin(), rest.end(),
                                    [&](const Event& event) { return event.account_id != rest.front().account_id; });
    const auto count = static_cast<std::size_t>(other - rest.begin());
    for (const Receipt& receipt : log.service->track(rest.first(count))) ASSERT_EQ(receipt.code, Code::ok);
    rest = rest.subspan(count);
  }
}

std::vector<int> numbers(const std::vector<std::string>& read) {
  std::vector<int> all;
  for (const std::string& data : read) all.push_back(data[0] == '"' ? std::stoi(data.substr(1)) : -1);
  return all;
}

TEST(FileBroker, ReadsTheLogWhatIsNoLongerInMemory) {
  SimulatedFiles files;
  LogService log(files);
  constexpr int events = 10'000;
  fill(log, events);
  const auto all = numbers(log.read({.since = "all"}));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(events));
  for (int i = 0; i < events; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);

  EXPECT_EQ(numbers(log.read({.tail = 8'000})).front(), 2'000);
  const auto rare = numbers(log.read({.account_ids = {2}, .tail = 50}));
  ASSERT_EQ(rare.size(), 50u);
  EXPECT_EQ(rare.front(), 5'007);
  EXPECT_EQ(rare.back(), 9'907);
  EXPECT_EQ(numbers(log.read({.account_ids = {2}, .tail = 1'000})).size(), 100u);
  EXPECT_EQ(numbers(log.read({.account_ids = {2}, .since = "all"})).size(), 100u);
}

TEST(FileBroker, ACursorHoldsOverARestart) {
  SimulatedFiles files;
  std::string cursor;
  {
    LogService log(files);
    fill(log, 5'000);
    auto subscriber = log.service->subscribe({.since = "all"}).value();
    for (int i = 0; i < 1'234; ++i) subscriber->next(10s);
    cursor = subscriber->cursor();
  }
  LogService log(files);
  log.track(1, "7");
  const auto read = log.read({.since = cursor});
  ASSERT_EQ(read.size(), 5'000u - 1'234 + 1);
  EXPECT_EQ(numbers(read).front(), 1'234);
  EXPECT_EQ(read.back(), "7");
  Cursor other = parse_cursor(cursor).value();
  ++other.id_hash;
  EXPECT_EQ(log.read({.since = to_text(other)}).front(), "[unknown-cursor]");
}

TEST(FileBroker, HistoryGoesOverIntoTheLiveStreamWhileEventsPourIn) {
  SimulatedFiles files;
  LogService log(files);
  fill(log, 5'000);
  std::atomic<bool> is_over{false};
  std::thread tracker([&] {
    for (int i = 0; i < 20; ++i) fill(log, 500);
    is_over = true;
  });
  // Its buffer holds all of them: how fast it reads is not the question here.
  auto subscriber = log.service->subscribe({.since = "all", .buffer_bytes_max = 16 << 20}).value();
  std::map<std::string, std::uint64_t> last;
  for (int i = 0; i < 15'000; ++i) {
    const auto delivery = subscriber->next(30s);
    ASSERT_TRUE(delivery) << i;
    ASSERT_TRUE(delivery->event()) << delivery->json();
    const EventFields& event = *delivery->event();
    ASSERT_EQ(event.sequence, ++last[std::string(event.producer) + std::to_string(event.account_id)]);
  }
  tracker.join();
}

TEST(FileBroker, ReadersThatDoNotReadHoldLittleAndStopNoOne) {
  SimulatedFiles files;
  BrokerSettings settings = LogService::small();
  settings.scans = {.threads = 1, .bytes_max = 512 << 10, .kept_for = 10ms};
  LogService log(files, settings);
  fill(log, 10'000);
  std::vector<std::unique_ptr<Subscription>> stuck;
  Deliveries out;
  for (int i = 0; i < 20; ++i) {
    stuck.push_back(log.service->open_subscription({.since = "all"}, [] {}).value());
    stuck.back()->read(out, 1, 1);
  }
  EXPECT_EQ(log.read({.since = "all"}).size(), 10'000u);
  // And they go on where they were when they read again.
  for (auto& subscription : stuck) {
    std::size_t events = 0;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (events < 5'000 && std::chrono::steady_clock::now() < deadline) {
      subscription->read(out, 1'000, 1 << 20);
      for (const DeliveryView& view : out) {
        ASSERT_FALSE(view.gap);
        ASSERT_TRUE(view.json.find('"' + std::to_string(events++) + 'x') != std::string_view::npos);
      }
    }
    ASSERT_GE(events, 5'000u);
  }
}

TEST(FileBroker, DamageIsAGapOfASubscription) {
  SimulatedFiles files;
  {
    LogService log(files);
    for (int i = 0; i < 5; ++i) log.track(1, std::to_string(i));
  }
  const std::string path = files.paths().front();
  std::string content = files.content(path);
  content[content.find(R"("data":2)") + 7] = '9';
  files.set_content(path, content);
  LogService log(files);
  EXPECT_THAT(log.read({.since = "all"}), ::testing::ElementsAre("0", "1", "[corrupt]", "3", "4"));
}

TEST(FileBroker, CloseWritesWhatIsQueued) {
  SimulatedFiles files;
  {
    LogService log(files);
    for (int i = 0; i < 50; ++i) log.track(1, std::to_string(i), AckLevel::sent);
    EXPECT_TRUE(log.service->close(10s));
    EXPECT_EQ(log.track(1, "late").code, Code::closed);
  }
  LogService log(files);
  EXPECT_EQ(log.read({.since = "all"}).size(), 50u);
}

TEST(FileBroker, ADiskThatDoesNotAnswerEndsInDoubtAtTheDeadline) {
  static SimulatedFiles& files = *new SimulatedFiles;  // the thread that hangs keeps it
  static std::mutex& mutex = *new std::mutex;
  mutex.lock();
  LogService log(files);
  files.set_sync_hook([] { const std::lock_guard wait(mutex); });
  const Event event{.account_id = 1, .data = "1"};
  std::atomic<int> in_doubt{0};
  log.service->track(std::span(&event, 1),
                     [&](std::span<const Receipt> receipts) { in_doubt += receipts[0].code == Code::in_doubt; }, {});
  EXPECT_EQ(log.service->close(100ms).code(), Code::timed_out);
  EXPECT_EQ(in_doubt, 1);
  mutex.unlock();
}

}  // namespace
}  // namespace tracking::file_log::test
