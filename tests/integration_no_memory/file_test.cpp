// The durable log while allocations fail: stored events are there, refused ones are not, and all goes on afterwards.
#include <gtest/gtest.h>
#include <tracking/file.h>
#include <tracking/service.h>

#include <optional>

#include "file/file_broker.h"
#include "integration_no_memory/broker_support.h"
#include "support/no_memory.h"
#include "support/temporary_folder.h"

namespace tracking::test {
namespace {

class LogFolder {
 protected:
  // Segments of a few events.
  std::unique_ptr<Broker> open() {
    file_log::BrokerSettings settings;
    settings.store = {.directory = (folder_->path() / "log").string(), .segment_bytes = 4 << 10};
    settings.commit.repair_every = 5ms;
    settings.commit.housekeeping_every = 5ms;
    auto opened = file_log::open_file_broker(settings, file_log::FileSystem::posix(), Clock::system(), {});
    return opened ? std::move(*opened) : nullptr;
  }
  // In memory, where a sync takes no time: what a disk does is not the matter here.
  void start_anew() {
    const std::filesystem::path memory = "/dev/shm";
    folder_.emplace(std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path());
  }
  std::unique_ptr<Broker> open_anew() {
    start_anew();
    return open();
  }
  // The history is on the disk alone.
  std::unique_ptr<Broker> open_with_history() {
    auto broker = open_anew();
    for (std::size_t i = 0; i < history; i += 5)
      EXPECT_TRUE(publish_patiently(*broker, lines_.some(i, 5, AckLevel::stored)));
    broker.reset();
    return open();
  }

  static constexpr std::size_t history = 10;
  const TestLines lines_{20, 1'000};
  std::optional<TemporaryFolder> folder_;
};

class NoMemoryForLog : public LogFolder, public ::testing::TestWithParam<MemoryFault> {};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForLog, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemoryForLog, ALogThatCouldNotBeOpenedIsWholeTheNextTime) {
  std::unique_ptr<Broker> broker;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        broker.reset();
        broker = open_with_history();
        broker.reset();
      },
      [&] {
        try {
          broker = open();
        } catch (const std::bad_alloc&) {
          // which Backends makes a failure
        }
      },
      [&] {
        if (!broker) broker = open();
        ASSERT_TRUE(broker);
        EXPECT_EQ(read_history(*broker).events.size(), history);
        EXPECT_TRUE(publish_patiently(*broker, lines_.some(history, 2, AckLevel::stored)));
      });
  EXPECT_GT(runs, 30);
}

TEST_P(NoMemoryForLog, WhatIsSaidToBeStoredIsThereAndWhatIsRefusedIsNot) {
  std::unique_ptr<Broker> broker;
  std::optional<std::array<Outcomes, 4>> outcomes;
  constexpr std::size_t batch = 3;
  const auto level = [](std::size_t i) { return i == 2 ? AckLevel::sent : AckLevel::stored; };
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        broker.reset();
        broker = open_anew();
        outcomes.emplace();
      },
      [&] {
        for (std::size_t i = 0; i < outcomes->size(); ++i) {
          broker->publish(lines_.some(i * batch, batch, level(i)), Completion((*outcomes)[i]));
          (*outcomes)[i].wait();
          (void)broker->health();
          (void)broker->stats();
        }
      },
      [&] {
        const std::size_t last = outcomes->size() * batch;
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(last, 1, AckLevel::stored)));
        for (const bool is_reopened : {false, true}) {
          if (is_reopened) {
            EXPECT_TRUE(broker->close(10s));
            broker.reset();
            broker = open();
          }
          const Read read = read_history(*broker);
          for (const auto& [id, count] : read.events) EXPECT_EQ(count, 1) << id;
          EXPECT_EQ(read.gaps, 0);
          EXPECT_TRUE(read.events.contains(lines_.id(last)));
          for (std::size_t i = 0; i < last; ++i) {
            Outcomes& of = (*outcomes)[i / batch];
            EXPECT_EQ(of.finishes(), 1);
            const Code code = of.code(i % batch);
            const bool is_there = read.events.contains(lines_.id(i));
            EXPECT_TRUE(code == Code::ok || code == Code::overloaded || code == Code::broker_unavailable) << name(code);
            if (code != Code::ok) {
              EXPECT_FALSE(is_there) << lines_.id(i);
            } else if (level(i / batch) == AckLevel::stored) {
              EXPECT_TRUE(is_there) << lines_.id(i);
            }
          }
        }
      });
  EXPECT_GT(runs, 20);
}

// A reader that waits is woken, and gets what was stored or is told a gap.
TEST_P(NoMemoryForLog, WhoFollowsGetsWhatWasStoredOrAGap) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  std::optional<Outcomes> outcomes;
  for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_with_history();
        reader.emplace();
        ASSERT_TRUE(reader->open(*broker, {.account_ids = {1, 2}, .since = "all"}));
        ASSERT_EQ(read_until(*reader, history).events.size(), history);
        Deliveries none;
        while (reader->subscription->read(none, 10, 1000) != ReadState::idle) std::this_thread::yield();
        outcomes.emplace();
      },
      [&] {
        broker->publish(lines_.some(history, 4, AckLevel::stored), Completion(*outcomes));
        outcomes->wait();
      },
      [&] {
        const bool is_stored = outcomes->code(0) == Code::ok;
        ASSERT_TRUE(publish_patiently(*broker, lines_.some(history + 4, 1, AckLevel::stored)));
        Read read = read_until(*reader, 5, lines_.id(history + 4));
        EXPECT_FALSE(read.has_ended);
        if (read.gaps == 0) {
          EXPECT_EQ(read.events.size(), is_stored ? 5u : 1u);
        }
      });
}

// History from the disk, through the seam, with a change of accounts on the way.
TEST_P(NoMemoryForLog, ASubscriptionGetsAllOrEndsWhereItWas) {
  std::unique_ptr<Broker> broker;
  std::optional<Reader> reader;
  const SubscribeOptions options{.account_ids = {1, 2, 3}, .since = "all"};
  const std::array<AccountId, 2> fewer{1, 2};
  std::optional<Deliveries> out;
  bool is_open = false;
  std::size_t read = 0;
  std::array<std::uint64_t, history> got{};
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        reader.reset();
        broker.reset();
        broker = open_with_history();
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
          if (read == history || state == ReadState::ended) break;
          if (read >= 3 && !has_changed) {
            has_changed = reader->subscription->set_accounts(fewer).is_ok();
            continue;  // who changes accounts reads again
          }
          if (state == ReadState::idle && !reader->wait(std::chrono::steady_clock::now() + patience)) break;
        }
      },
      [&] {
        for (std::size_t i = 0; i < read; ++i) EXPECT_EQ(got[i], i + 1);
        if (!is_open) {
          EXPECT_EQ(reader->code, Code::overloaded);
        } else if (read < history) {
          const Status status = reader->subscription->status();
          EXPECT_EQ(status.code(), Code::overloaded) << status.message();
        }
        const std::string cursor = is_open ? reader->subscription->cursor() : "all";
        Reader resumed;
        ASSERT_TRUE(resumed.open(*broker, {.since = cursor, .follow = false}));
        const Read rest = read_until(resumed, SIZE_MAX);
        EXPECT_EQ(rest.gaps, 0);
        EXPECT_EQ(rest.events.size(), history - read);
      });
  EXPECT_GT(runs, 20);
}

class NoMemoryOnceForLog : public LogFolder, public ::testing::Test {};

// What was accepted before a restart is known as a repeat after it.
TEST_F(NoMemoryOnceForLog, AServiceThatOpensKnowsRepeats) {
  std::unique_ptr<TrackingService> service;
  const Event event{.account_id = 1, .data = "1", .id = "again"};
  const Backends backends{file()};
  const auto options = [&] {
    return ServiceOptions{.accounts = "memory:?active=1", .broker = "file:log", .data_dir = folder_->path()};
  };
  std::optional<ServiceOptions> used;
  const int runs = for_each_allocation(
      MemoryFault::once,
      [&] {
        service.reset();
        start_anew();
        used = options();
        service = TrackingService::open(*used, backends).value();
        ASSERT_TRUE(service->track(event));
        service.reset();
      },
      [&] {
        auto opened = TrackingService::open(*used, backends);
        if (opened) service = std::move(*opened);
      },
      [&] {
        if (!service) service = TrackingService::open(*used, backends).value();
        EXPECT_TRUE(service->track(event).value().duplicate);
      });
  EXPECT_GT(runs, 50);
}

}  // namespace
}  // namespace tracking::test
