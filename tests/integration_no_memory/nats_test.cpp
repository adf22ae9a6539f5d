// Events over core NATS while allocations fail: who was answered was told the truth, who misses something is told a
// gap, and all goes on afterwards.
#include <gtest/gtest.h>
#include <tracking/nats.h>

#include <optional>

#include "integration_no_memory/broker_support.h"
#include "integration_no_memory/relay.h"
#include "support/nats_server.h"
#include "support/no_memory.h"

namespace tracking::test {
namespace {

class NoMemoryForNats : public ::testing::TestWithParam<MemoryFault> {
 protected:
  static void SetUpTestSuite() {
    server = new NatsServer();
    server->start();
    relay = new Relay(server->port());
  }
  static void TearDownTestSuite() {
    delete relay;
    delete server;
  }

  // Each run has subjects of its own.
  void start_anew() {
    ++runs_;
    context_ = {.url = BackendUrl::parse("nats://" + relay->address() + "?prefix=run" + std::to_string(runs_)).value(),
                .log = [](LogLevel, std::string_view) {}};
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
  /// Publishes the event again and again until it comes: a subscription may be live a tick later than its link. Returns
  /// what was read.
  Read get(Broker& broker, Reader& reader, std::size_t line) {
    Read all;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!all.has_ended && !all.events.contains(lines_.id(line)) && std::chrono::steady_clock::now() < deadline) {
      if (!publish_patiently(broker, lines_.some(line, 1, AckLevel::sent))) break;
      read_what_comes(reader, all, std::chrono::steady_clock::now() + 50ms, lines_.id(line));
    }
    return all;
  }

  static inline NatsServer* server = nullptr;
  static inline Relay* relay = nullptr;
  const Backends backends_{nats()};
  const TestLines lines_{20, 300};
  BackendContext context_;
  int runs_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForNats, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemoryForNats, WhoCouldNotConnectIsConnectedAfterwards) {
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
        EXPECT_TRUE(publish_patiently(*broker, lines_.some(0, 1, AckLevel::sent)));
      });
  EXPECT_GT(runs, 30);
}

// What was refused is not there; of what was accepted nothing is missing without a gap.
TEST_P(NoMemoryForNats, WhoFollowsGetsWhatWasAcceptedOrAGap) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::optional<std::array<Outcomes, 3>> outcomes;
  constexpr std::size_t batch = 3;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        reader.emplace();
        ASSERT_TRUE(reader->open(*broker, {.account_ids = {1, 2}}));
        outcomes.emplace();
      },
      [&] {
        for (std::size_t i = 0; i < outcomes->size(); ++i) {
          broker->publish(lines_.some(i * batch, batch, AckLevel::sent), Completion((*outcomes)[i]));
          (*outcomes)[i].wait();
          (void)broker->health();
          (void)broker->stats();
        }
        reader->wait(std::chrono::steady_clock::now() + 100ms);  // so that they come while it lasts
      },
      [&] {
        const std::size_t last = outcomes->size() * batch;
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(last, 1, AckLevel::sent)));
        const Read read = read_until(*reader, SIZE_MAX, lines_.id(last));
        EXPECT_FALSE(read.has_ended);
        EXPECT_TRUE(read.events.contains(lines_.id(last)));
        for (const auto& [id, count] : read.events) EXPECT_EQ(count, 1) << id;
        for (std::size_t i = 0; i < last; ++i) {
          Outcomes& of = (*outcomes)[i / batch];
          EXPECT_EQ(of.finishes(), 1);
          const bool is_there = read.events.contains(lines_.id(i));
          const Code code = of.code(i % batch);
          EXPECT_TRUE(code == Code::ok || code == Code::overloaded || code == Code::broker_unavailable) << name(code);
          if (code == Code::ok && read.gaps == 0) {
            EXPECT_TRUE(is_there) << lines_.id(i);
          } else if (code != Code::ok) {
            EXPECT_FALSE(is_there) << lines_.id(i);
          }
        }
      });
  EXPECT_GT(runs, 1);
}

TEST_P(NoMemoryForNats, ASubscriptionIsThereOrNotAndChangesAsAWhole) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::optional<Deliveries> out;
  const SubscribeOptions options{.account_ids = {1, 2, 3}};
  const std::array<AccountId, 1> fewer{1};
  bool is_open = false;
  bool has_changed = false;
  ReadState state{};
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        reader.emplace();
        out.emplace();
        has_changed = false;
      },
      [&] {
        is_open = reader->open(*broker, options);
        if (!is_open) return;
        state = reader->subscription->read(*out, 10, 1'000);
        has_changed = reader->subscription->set_accounts(fewer).is_ok();
      },
      [&] {
        if (!is_open) {
          EXPECT_EQ(reader->code, Code::overloaded);
          EXPECT_TRUE(reader->open(*broker, options));
        } else if (state == ReadState::ended) {
          EXPECT_EQ(reader->subscription->status().code(), Code::overloaded);
          return;
        }
        // e1 is account 1's, e2 is 2's, e3 is 1's.
        ASSERT_TRUE(get(*broker, *reader, 0).events.contains(lines_.id(0)));
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(1, 1, AckLevel::sent)));
        const Read read = get(*broker, *reader, 2);
        EXPECT_TRUE(read.events.contains(lines_.id(2)));
        EXPECT_EQ(read.events.contains(lines_.id(1)), !has_changed);
        EXPECT_EQ(read.gaps, 0);
      });
  EXPECT_GT(runs, 5);
}

TEST_P(NoMemoryForNats, ALostLinkIsMadeAgainAndToldOfAsAGap) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::uint64_t connects = 0;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        reader.emplace();
        ASSERT_TRUE(reader->open(*broker, {}));
        ASSERT_TRUE(get(*broker, *reader, 0).events.contains(lines_.id(0)));
        connects = broker->stats().connects;
      },
      [&] {
        relay->cut();
        // Told once it is lost, and made again within 0.1 s if it can be.
        const auto deadline = std::chrono::steady_clock::now() + 200ms;
        while (broker->stats().connects == connects && std::chrono::steady_clock::now() < deadline)
          std::this_thread::sleep_for(1ms);
      },
      [&] {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (broker->stats().connects == connects && std::chrono::steady_clock::now() < deadline)
          std::this_thread::sleep_for(1ms);
        EXPECT_TRUE(is_ready(*broker));
        const Read read = get(*broker, *reader, 2);
        EXPECT_TRUE(read.events.contains(lines_.id(2)));
        EXPECT_FALSE(read.has_ended);
        EXPECT_GE(read.gaps, 1);
      });
  EXPECT_GT(runs, 10);
}

TEST_P(NoMemoryForNats, WhoSubscribesAtADistanceGetsWhatComesOrIsTold) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  const SubscribeOptions options{.account_ids = {1, 3}};
  const std::array<AccountId, 2> others{1, 2};
  bool is_open = false;
  bool has_changed = false;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_anew();
        reader.emplace();
        has_changed = false;
      },
      [&] {
        is_open = reader->adopt(backends_.open_subscription(context_, options, reader->wake()));
        if (is_open) has_changed = reader->subscription->set_accounts(others).is_ok();
      },
      [&] {
        if (!is_open) {
          EXPECT_EQ(reader->code, Code::overloaded);
          ASSERT_TRUE(reader->adopt(backends_.open_subscription(context_, options, reader->wake())));
        }
        const std::size_t line = has_changed ? 1 : 0;  // of account 2, or of account 1
        EXPECT_TRUE(get(*broker, *reader, line).events.contains(lines_.id(line)));
      });
  EXPECT_GT(runs, 30);
}

}  // namespace
}  // namespace tracking::test
