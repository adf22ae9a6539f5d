// The server dies, freezes, and loses answers.
#include "integration_jetstream/jetstream_support.h"
#include "nats/dial.h"
#include "nats/io_thread.h"
#include "nats/jetstream_api.h"

#include <map>
#include <set>
#include <thread>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

TEST_F(JetStreamTest, AnEventWhoseAcknowledgementIsLostIsInDoubtAndItsRepeatDoublesNothing) {
  server_.start();
  const auto replica = ready_replica("?ack_wait=2s");
  auto subscriber = replica.subscribe();
  server_.freeze();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(replica.track(1, "\"once\"", "mine").code, Code::in_doubt);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  server_.thaw();
  // What was on its way is stored by now, or comes before the repeat.
  ASSERT_TRUE(is_ready(replica));
  Receipt repeated;
  ASSERT_TRUE(eventually([&] { return (repeated = replica.track(1, "\"once\"", "mine")).code == Code::ok; }));
  EXPECT_TRUE(repeated.duplicate);
  replica.track(1, "\"next\"");
  EXPECT_EQ(next(*subscriber), "once");
  EXPECT_EQ(next(*subscriber), "next");
  EXPECT_EQ(Stranger(server_).messages(), 2u);
}

/// A link whose loss is told to an Api.
struct WatchedLink final : nats_io::Traffic {
  explicit WatchedLink(const std::string& url) {
    const auto options = nats_options(url);
    const auto made = nats_io::make_nats_options(options, options.servers.front()).value();
    link = nats_io::Link::connect(made.get(), false, {.changed = [this] { io.wake(); }, .refused = [] {}}).value();
    io.attach(link);
    api.connect(link, "_INBOX.test");
  }
  ~WatchedLink() { io.detach(); }
  void link_lost() noexcept override { api.link_lost(); }
  std::uint64_t messages_out() const {
    natsStatistics* made = nullptr;
    natsStatistics_Create(&made);
    const std::unique_ptr<natsStatistics, decltype(&natsStatistics_Destroy)> statistics(made, &natsStatistics_Destroy);
    std::uint64_t out = 0;
    natsConnection_GetStats(link->get(), made);
    natsStatistics_GetCounts(made, nullptr, nullptr, &out, nullptr, nullptr);
    return out;
  }

  jetstream::Api api{"TRACKING", "tracking.events.*"};
  nats_io::IoThread io{*this, [] {}};
  std::shared_ptr<nats_io::Link> link;
};

TEST_F(JetStreamTest, WhoWaitsForAnAnswerOfTheApiIsToldAtOnceThatTheLinkIsLost) {
  server_.start();
  WatchedLink watched(server_.url());
  server_.freeze();
  Result<jetstream::StreamInfo> info = Status(Code::internal, "not asked");
  std::thread asks([&] { info = watched.api.stream_info(std::chrono::steady_clock::now() + 1min); });
  EXPECT_TRUE(eventually([&] { return watched.messages_out() > 0; }));
  const auto killed = std::chrono::steady_clock::now();
  server_.kill();
  asks.join();
  EXPECT_EQ(info.code(), Code::broker_unavailable) << info.error().message();
  EXPECT_LT(std::chrono::steady_clock::now() - killed, 30s);
}

TEST_F(JetStreamTest, AServerThatIsKilledUnderLoadLosesNothingThatWasStored) {
  server_.start();
  const auto replica = ready_replica("?ack_wait=2s");
  auto subscriber = replica.subscribe({.buffer_bytes_max = 256u << 20});
  std::atomic<bool> is_over{false};
  std::set<std::string> stored;
  std::thread tracker([&] {
    for (int i = 0; !is_over; ++i) {
      const std::string id = "e" + std::to_string(i);
      // In doubt or refused: repeated with its id until it is known.
      while (replica.track(1, '"' + id + '"', id).code != Code::ok) std::this_thread::sleep_for(1ms);
      stored.insert(id);
    }
  });
  for (int kills = 0; kills < 3; ++kills) {
    std::this_thread::sleep_for(150ms);
    server_.kill();
    EXPECT_TRUE(eventually([&] { return !replica.broker->health(); }));
    server_.start();
    EXPECT_TRUE(is_ready(replica));
  }
  is_over = true;
  tracker.join();
  EXPECT_TRUE(eventually([&] { return replica.track(1, "\"end\"", "end").code == Code::ok; }));
  std::map<std::string, int> delivered;
  for (std::string id = next(*subscriber); id != "end"; id = next(*subscriber)) {
    ASSERT_NE(id, "");
    ++delivered[id];
  }
  EXPECT_EQ(delivered.size(), stored.size());
  for (const auto& [id, count] : delivered) EXPECT_EQ(count, 1) << id;
}

TEST_F(JetStreamTest, AFrozenServerIsNoticedBlocksNobodyAndIsUsedAgain) {
  server_.start();
  const auto replica = ready_replica("?ack_wait=2s");
  auto subscriber = replica.subscribe();
  server_.freeze();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return !replica.broker->health(); }, 15s));
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_FALSE(replica.service->subscribe());
  EXPECT_EQ(replica.track(1, "1").code, Code::broker_unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 15s);
  server_.thaw();
  ASSERT_TRUE(is_ready(replica));
  ASSERT_TRUE(eventually([&] { return replica.track(1, "2").code == Code::ok; }));
  EXPECT_EQ(next(*subscriber), "2");
}

TEST_F(JetStreamTest, SubscribersReadOnWhereTheyWereWhenTheLinkIsBack) {
  server_.start();
  const auto reader = ready_replica();
  auto one = reader.subscribe({.account_ids = {1}});
  auto all = reader.subscribe();
  EXPECT_EQ(reader.track(1, "1").code, Code::ok);
  EXPECT_EQ(next(*one), "1");
  EXPECT_EQ(next(*all), "1");
  server_.stop();
  ASSERT_TRUE(eventually([&] { return !reader.broker->health(); }));
  server_.start();
  // Before the reader is back, by another replica.
  const auto writer = ready_replica();
  EXPECT_EQ(writer.track(1, "2").code, Code::ok);
  EXPECT_EQ(writer.track(2, "3").code, Code::ok);
  EXPECT_EQ(writer.track(1, "4").code, Code::ok);
  for (const char* expected : {"2", "4"}) EXPECT_EQ(next(*one), expected);
  for (const char* expected : {"2", "3", "4"}) EXPECT_EQ(next(*all), expected);
}

}  // namespace
}  // namespace tracking::test
