// Events in JetStream while allocations fail: what is said to be stored is there, what is refused is not, readers get
// everything, and all goes on afterwards.
#include <gtest/gtest.h>
#include <tracking/nats.h>

#include <optional>

#include "integration_no_memory/broker_support.h"
#include "integration_no_memory/relay.h"
#include "support/nats_server.h"
#include "support/no_memory.h"

namespace tracking::test {
namespace {

class NoMemoryForJetStream : public ::testing::TestWithParam<MemoryFault> {
 protected:
  static void SetUpTestSuite() {
    server = new NatsServer({.with_jetstream = true});
    server->start();
    relay = new Relay(server->port());
  }
  static void TearDownTestSuite() {
    delete relay;
    delete server;
  }

  // Each run has a stream of its own.
  void start_anew() {
    const std::string run = std::to_string(++made);
    const std::string url =
        "jetstream://" + relay->address() + "?storage=memory&ack_wait=2s&stream=S" + run + "&prefix=run" + run;
    context_ = {.url = BackendUrl::parse(url).value(), .log = [](LogLevel, std::string_view) {}};
  }
  std::unique_ptr<Broker> open() {
    auto opened = backends_.open_broker(context_);
    return opened ? std::move(*opened) : nullptr;
  }
  std::unique_ptr<Broker> open_anew() {
    start_anew();
    auto broker = open();
    EXPECT_TRUE(is_ready(*broker));
    return broker;
  }
  static bool is_ready(Broker& broker) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!broker.health() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
    return broker.health().is_ok();
  }
  void expect_truth(const Read& read, std::size_t line, Code code) {
    const bool is_there = read.events.contains(lines_.id(line));
    const bool is_expected =
        code == Code::ok || code == Code::overloaded || code == Code::broker_unavailable || code == Code::in_doubt;
    EXPECT_TRUE(is_expected) << name(code);
    if (code == Code::ok) {
      EXPECT_TRUE(is_there) << lines_.id(line);
    } else if (code != Code::in_doubt) {
      EXPECT_FALSE(is_there) << lines_.id(line) << ' ' << name(code);
    }
  }
  /// All the history there is, in as many parts as it takes while the server is slow to begin.
  Read history(Broker& broker) {
    Reader reader;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!reader.open(broker, {.since = "all", .follow = false})) {
      if (std::chrono::steady_clock::now() > deadline) return {};
      std::this_thread::sleep_for(10ms);
    }
    return read_until(reader, SIZE_MAX);
  }

  static inline int made = 0;
  static inline NatsServer* server = nullptr;
  static inline Relay* relay = nullptr;
  const Backends backends_{nats()};
  const TestLines lines_{20, 300};
  BackendContext context_;
  static constexpr int sample_step = 5;  // where most runs take a second
  // Whoever has no memory for long goes on a second later: a sample of these will do.
  const int step_ = GetParam() == MemoryFault::lasting ? 11 : 1;
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForJetStream, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemoryForJetStream, WhoCouldNotConnectIsConnectedAfterwards) {
  std::unique_ptr<Broker> broker;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        broker.reset();
        start_anew();
      },
      [&] { broker = open(); },
      [&] {
        if (!broker) broker = open();
        ASSERT_TRUE(broker);
        EXPECT_TRUE(is_ready(*broker));
        EXPECT_TRUE(publish_patiently(*broker, lines_.some(0, 1, AckLevel::stored)));
        EXPECT_EQ(history(*broker).events.size(), 1u);
      },
      step_);
  EXPECT_GT(runs, 60);
}

// Repeats among them.
TEST_P(NoMemoryForJetStream, WhatIsSaidToBeStoredIsThereAndWhatIsRefusedIsNot) {
  std::unique_ptr<Broker> broker;
  std::optional<std::array<Outcomes, 4>> outcomes;
  constexpr std::size_t batch = 3;
  const std::array<std::size_t, 4> first{0, 3, 1, 6};  // the third repeats three of those before
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        broker.reset();
        broker = open_anew();
        outcomes.emplace();
      },
      [&] {
        for (std::size_t i = 0; i < outcomes->size(); ++i) {
          broker->publish(lines_.some(first[i], batch, AckLevel::stored), Completion((*outcomes)[i]));
          (*outcomes)[i].wait();
          (void)broker->health();
          (void)broker->stats();
        }
      },
      [&] {
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(9, 1, AckLevel::stored)));
        const Read read = history(*broker);
        EXPECT_EQ(read.gaps, 0);
        for (const auto& [id, count] : read.events) EXPECT_EQ(count, 1) << id;
        EXPECT_TRUE(read.events.contains(lines_.id(9)));
        for (std::size_t i = 0; i < outcomes->size(); ++i) {
          EXPECT_EQ((*outcomes)[i].finishes(), 1);
          for (std::size_t at = 0; at < batch; ++at) {
            const Code code = (*outcomes)[i].code(at);
            const std::size_t line = first[i] + at;
            const bool is_repeated = line >= 1 && line < 4;  // one that is refused may be there by the other
            if (code == Code::ok || !is_repeated) expect_truth(read, line, code);
          }
        }
      },
      step_);
  EXPECT_GT(runs, 1);
}

TEST_P(NoMemoryForJetStream, WhoFollowsGetsEverything) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::optional<Outcomes> outcomes;
  for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        reader.emplace();
        ASSERT_TRUE(reader->open(*broker, {.account_ids = {1, 2}}));
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(0, 1, AckLevel::stored)));
        ASSERT_TRUE(read_until(*reader, SIZE_MAX, lines_.id(0)).events.contains(lines_.id(0)));
        outcomes.emplace();
      },
      [&] {
        broker->publish(lines_.some(1, 4, AckLevel::stored), Completion(*outcomes));
        outcomes->wait();
        reader->wait(std::chrono::steady_clock::now() + 50ms);  // so that they come while it lasts
      },
      [&] {
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(5, 1, AckLevel::stored)));
        const Read read = read_until(*reader, SIZE_MAX, lines_.id(5));
        EXPECT_FALSE(read.has_ended);
        for (const auto& [id, count] : read.events) EXPECT_EQ(count, 1) << id;
        if (read.gaps > 0) return;
        for (std::size_t i = 0; i < 4; ++i) expect_truth(read, 1 + i, outcomes->code(i));
      },
      step_);
}

// History from the stream, through the seam, with a change of accounts on the way.
TEST_P(NoMemoryForJetStream, ASubscriptionGetsAllOrEndsWhereItWas) {
  constexpr std::size_t history_events = 8;
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::optional<Deliveries> out;
  const SubscribeOptions options{.account_ids = {1, 2, 3}, .since = "all"};
  const std::array<AccountId, 2> fewer{1, 2};
  bool is_open = false;
  std::size_t read = 0;
  std::array<std::uint64_t, history_events> got{};
  start_anew();
  {
    const auto filler = open();
    ASSERT_TRUE(is_ready(*filler));
    ASSERT_TRUE(publish_patiently(*filler, lines_.some(0, history_events, AckLevel::stored)));
  }
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open();
        ASSERT_TRUE(is_ready(*broker));
        reader.emplace();
        out.emplace();
        read = 0;
      },
      [&] {
        is_open = reader->open(*broker, options);
        if (!is_open) return;
        bool has_changed = false;
        for (;;) {
          const ReadState state = reader->subscription->read(*out, 1, 1);
          for (const DeliveryView& view : *out) {
            if (!view.gap) got[read++] = view.cursor.position;
          }
          if (read == history_events || state == ReadState::ended) break;
          if (read >= 3 && !has_changed) {
            has_changed = reader->subscription->set_accounts(fewer).is_ok();
            continue;  // who changes accounts reads again
          }
          if (state == ReadState::idle && !reader->wait(std::chrono::steady_clock::now() + 200ms)) break;
        }
      },
      [&] {
        for (std::size_t i = 0; i < read; ++i) EXPECT_EQ(got[i], i + 1);
        if (!is_open) {
          const bool is_expected = reader->code == Code::overloaded || reader->code == Code::broker_unavailable;
          EXPECT_TRUE(is_expected) << name(reader->code);
        }
        const Status status = is_open ? reader->subscription->status() : Status();
        if (is_open && status) {  // it goes on where it is
          const Read rest = read < history_events ? read_until(*reader, history_events - read) : Read();
          EXPECT_EQ(rest.gaps, 0);
          EXPECT_EQ(rest.events.size(), history_events - read);
          return;
        }
        EXPECT_TRUE(status || status.code() == Code::overloaded || status.code() == Code::broker_unavailable)
            << status.message();
        const std::string cursor = is_open ? reader->subscription->cursor() : "all";
        Reader resumed;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!resumed.open(*broker, {.since = cursor, .follow = false}) &&
               std::chrono::steady_clock::now() < deadline)
          std::this_thread::sleep_for(10ms);
        const Read rest = read_until(resumed, SIZE_MAX);
        EXPECT_EQ(rest.gaps, 0);
        EXPECT_EQ(rest.events.size(), history_events - read);
      },
      step_);
  EXPECT_GT(runs, 30);
}

TEST_P(NoMemoryForJetStream, ALostLinkIsMadeAgainAndNothingIsMissing) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::optional<Outcomes> outcomes;
  std::uint64_t connects = 0;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        reader.emplace();
        ASSERT_TRUE(reader->open(*broker, {}));
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(0, 1, AckLevel::stored)));
        ASSERT_TRUE(read_until(*reader, SIZE_MAX, lines_.id(0)).events.contains(lines_.id(0)));
        connects = broker->stats().connects;
        outcomes.emplace();
      },
      [&] {
        relay->cut();
        broker->publish(lines_.some(1, 3, AckLevel::stored), Completion(*outcomes));
        const auto deadline = std::chrono::steady_clock::now() + 200ms;
        while (broker->stats().connects == connects && std::chrono::steady_clock::now() < deadline)
          std::this_thread::sleep_for(1ms);
      },
      [&] {
        outcomes->wait();
        EXPECT_TRUE(is_ready(*broker));
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(4, 1, AckLevel::stored)));
        const Read read = read_until(*reader, SIZE_MAX, lines_.id(4));
        EXPECT_FALSE(read.has_ended);
        for (const auto& [id, count] : read.events) EXPECT_EQ(count, 1) << id;
        if (read.gaps > 0) return;
        for (std::size_t i = 0; i < 3; ++i) expect_truth(read, 1 + i, outcomes->code(i));
      },
      sample_step);
  EXPECT_GT(runs, 20);
}

TEST_P(NoMemoryForJetStream, WhoSubscribesAtADistanceGetsEverything) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  const SubscribeOptions options{.account_ids = {1}, .since = "all"};
  const std::array<AccountId, 1> others{2};
  bool is_open = false;
  bool has_changed = false;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(0, 1, AckLevel::stored)));
        reader.emplace();
        has_changed = false;
      },
      [&] {
        is_open = reader->adopt(backends_.open_subscription(context_, options, reader->wake()));
        if (!is_open) return;
        reader->wait(std::chrono::steady_clock::now() + 50ms);  // until it is opened
        has_changed = reader->subscription->set_accounts(others).is_ok();
      },
      [&] {
        if (!is_open) {
          EXPECT_EQ(reader->code, Code::overloaded);
          ASSERT_TRUE(reader->adopt(backends_.open_subscription(context_, options, reader->wake())));
        }
        // e2 is account 2's, e3 is 1's.
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(1, 2, AckLevel::stored)));
        const std::string last = lines_.id(has_changed ? 1 : 2);
        const Read read = read_until(*reader, SIZE_MAX, last);
        EXPECT_TRUE(read.events.contains(last));
        EXPECT_FALSE(read.events.contains(lines_.id(has_changed ? 2 : 1)));
      },
      sample_step);
  EXPECT_GT(runs, 60);
}

}  // namespace
}  // namespace tracking::test
