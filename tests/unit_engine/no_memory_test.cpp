// Row 18 of the faults: an allocation fails, whichever it is. What was acknowledged is there, what is not there was
// refused, everything is completed, nothing is thrown, and with memory again all goes on.
#include <gtest/gtest.h>

#include <condition_variable>
#include <optional>
#include <set>

#include "history/event_history.h"
#include "support/no_memory.h"
#include "unit_engine/support.h"

namespace tracking::test {
namespace {

class NoMemory : public ::testing::TestWithParam<MemoryFault> {};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemory, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemory, OpeningFailsWithACodeOrWorks) {
  const ServiceOptions options{.accounts = "memory:?active=1,3&inactive=2"};
  const Backends backends;
  std::optional<Result<std::unique_ptr<TrackingService>>> opened;
  for_each_allocation(
      GetParam(), [&] { opened.reset(); }, [&] { opened.emplace(TrackingService::open(options, backends)); },
      [&] {
        if (!*opened) {
          EXPECT_NE(opened->code(), Code::ok);
        } else {
          EXPECT_TRUE((**opened)->track({.account_id = 1, .data = "1"}));
        }
      });
}

// Receipts that are waited for without an allocation.
struct Waiting {
  static constexpr std::size_t events_max = 64;
  void operator()(std::span<const Receipt> receipts) {
    const std::lock_guard lock(mutex);
    ++calls;
    count = receipts.size();
    std::copy(receipts.begin(), receipts.end(), all.begin());
    arrived.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [this] { return calls > 0; });
  }
  std::mutex mutex;
  std::condition_variable arrived;
  std::array<Receipt, events_max> all;
  std::size_t count = 0;
  int calls = 0;
};

// A batch of all kinds on a fresh lane: known accounts and such as must be asked for, ids of the client's, a repeat.
TEST_P(NoMemory, ABatchIsAnsweredOnceAndHonestly) {
  const std::string long_data = '"' + std::string(100'000, 'x') + '"';
  const std::vector<Event> events{
      {.account_id = 1, .data = "1"},       {.account_id = 1, .data = long_data, .id = "a"},
      {.account_id = 3, .data = "3"},       {.account_id = 1, .data = "2", .id = "a"},
      {.account_id = 2, .data = "1"},       {.account_id = 9, .data = "1"},
      {.account_id = 1, .data = long_data}, {.account_id = 3, .data = long_data, .id = "b"},
  };
  std::unique_ptr<TrackingService> service;
  std::unique_ptr<Lane> lane;
  std::unique_ptr<Waiting> waiting;
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        lane.reset();
        service = open_service();
        ASSERT_TRUE(service->track({.account_id = 1, .data = "0", .id = "zero"}));  // 3 stays unknown
        lane = service->lane();
        waiting = std::make_unique<Waiting>();
      },
      [&] {
        lane->track(events, [&target = *waiting](std::span<const Receipt> receipts) { target(receipts); });
        waiting->wait();
      },
      [&] {
        EXPECT_EQ(waiting->calls, 1);
        ASSERT_TRUE(waiting->count == events.size() || waiting->count == 0);
        std::set<std::string> accepted{"zero"};
        for (std::size_t i = 0; i < waiting->count; ++i) {
          const Receipt& receipt = waiting->all[i];
          if (receipt.code == Code::ok) accepted.insert(std::string(receipt.id.view()));
          const bool is_refused_for_good = events[i].account_id == 2 || events[i].account_id == 9;
          EXPECT_TRUE(is_retriable(receipt.code) || (receipt.code == Code::ok) != is_refused_for_good)
              << i << ": " << name(receipt.code);
        }
        std::set<std::string> there;
        for (const auto& [id, count] : delivered(*service)) {
          EXPECT_EQ(count, 1) << id;
          there.insert(id);
        }
        EXPECT_EQ(there, accepted);
        // What was refused may be repeated, and what was accepted is known.
        const auto again = service->track(Event{.account_id = 3, .data = "1", .id = "b"});
        ASSERT_TRUE(again) << again.error().message();
        EXPECT_EQ(again->duplicate, accepted.contains("b"));
      });
  EXPECT_GT(runs, 10);
}

TEST_P(NoMemory, ASubscriberGetsAllOrEndsWhereItWas) {
  std::unique_ptr<TrackingService> service;
  std::unique_ptr<Subscriber> subscriber;
  std::vector<std::string> ids;
  bool is_open = false;
  std::size_t read = 0;
  std::array<EventId, 40> got;
  const SubscribeOptions options{.account_ids = {1, 3}, .since = "all"};
  std::vector<AccountId> fewer;
  for_each_allocation(
      GetParam(),
      [&] {
        subscriber.reset();
        service = open_service();
        ids.clear();
        for (int i = 0; i < 20; ++i) ids.emplace_back(service->track({.account_id = 1, .data = "1"}).value().id.view());
        is_open = false;
        read = 0;
        fewer = {1};
      },
      [&] {
        auto opened = service->subscribe(options);
        if (!opened) return;
        is_open = true;
        subscriber = std::move(*opened);
        for (; read < ids.size(); ++read) {
          const auto delivery = subscriber->next(std::chrono::seconds(0));
          if (!delivery) return;
          got[read].assign(delivery->event()->id);
          if (read == 5) subscriber->set_accounts(std::move(fewer)).ignore();  // if it fails, nothing changes
        }
      },
      [&] {
        for (std::size_t i = 0; i < read; ++i) EXPECT_EQ(got[i].view(), ids[i]);
        if (!is_open || read == ids.size()) return;
        EXPECT_FALSE(subscriber->next(std::chrono::seconds(0)));
        EXPECT_TRUE(subscriber->is_ended());
        EXPECT_EQ(subscriber->status().code(), Code::overloaded);
        const auto resumed = service->subscribe({.since = subscriber->cursor()}).value();
        for (std::size_t i = read; i < ids.size(); ++i) {
          const auto delivery = resumed->next(std::chrono::seconds(5));
          ASSERT_TRUE(delivery && delivery->event());
          EXPECT_EQ(delivery->event()->id, ids[i]);
        }
      });
}

// A reader that waits is woken whatever fails in the publisher's allocations.
TEST_P(NoMemory, WhoWaitsIsWokenByWhatWasAccepted) {
  std::unique_ptr<TrackingService> service;
  std::unique_ptr<Subscription> all;
  std::unique_ptr<Subscription> one;
  std::atomic<int> wakes_of_all{0};
  std::atomic<int> wakes_of_one{0};
  Receipt receipt;
  const Event event{.account_id = 1, .data = "1"};
  for_each_allocation(
      GetParam(),
      [&] {
        all.reset();
        one.reset();
        service = open_service();
        ASSERT_TRUE(service->track(event));
        all = service->open_subscription({}, [&] { ++wakes_of_all; }).value();
        one = service->open_subscription({.account_ids = {1}}, [&] { ++wakes_of_one; }).value();
        Deliveries out;
        ASSERT_EQ(all->read(out, 10, 1000), ReadState::idle);
        ASSERT_EQ(one->read(out, 10, 1000), ReadState::idle);
        wakes_of_all = wakes_of_one = 0;
        receipt = {};
      },
      [&] {
        const auto lane = service->lane();
        if (!lane) return;
        lane->track(std::span(&event, 1), [&receipt](std::span<const Receipt> receipts) { receipt = receipts[0]; });
      },
      [&] {
        EXPECT_EQ(wakes_of_all, receipt.code == Code::ok ? 1 : 0) << name(receipt.code);
        EXPECT_EQ(wakes_of_one, wakes_of_all);
      });
}

// As the durable log appends: the events are stored already, so a reader gets them or is told of a gap, and positions
// stay those of the log.
TEST_P(NoMemory, AReaderOfStoredEventsGetsThemOrIsToldOfAGap) {
  const std::string data(100'000, 'x');  // a chunk holds two
  const std::vector<Line> lines(5, Line{.json = data, .account_id = 1});
  std::shared_ptr<history::EventHistory> events;
  std::unique_ptr<Subscription> reader;
  const Wake nothing = [] {};
  for_each_allocation(
      GetParam(),
      [&] {
        events = std::make_shared<history::EventHistory>(history::HistorySettings{}, Clock::system());
        reader = events->open({}, nothing, events).value();
        Deliveries none;
        ASSERT_EQ(reader->read(none, 10, 1000), ReadState::idle);
      },
      [&] {
        const Lines all(lines, AckLevel::stored);
        events->append_all(all, events->prepare(all));
      },
      [&] {
        events->append_all(Lines(std::span(lines).first(1), AckLevel::stored));
        std::size_t gaps = 0;
        std::vector<std::uint64_t> positions;
        Deliveries out;
        for (ReadState state = ReadState::more; state == ReadState::more;) {
          state = reader->read(out, 1, 1);
          for (const DeliveryView& view : out) {
            if (view.gap) {
              ++gaps;
            } else {
              positions.push_back(view.cursor.position);
            }
          }
        }
        EXPECT_EQ(positions.size(), gaps == 0 ? 6u : 1u);
        ASSERT_FALSE(positions.empty());
        EXPECT_EQ(positions.back(), 6u);
      });
}

TEST_P(NoMemory, AdministrationAndHealthAnswerWithACode) {
  std::unique_ptr<TrackingService> service;
  const Account account{.id = 70, .name = "a name that is too long to be kept in place"};
  for_each_allocation(
      GetParam(), [&] { service = open_service(); },
      [&] {
        (void)service->add_account(account);
        (void)service->change_account(70, {.is_active = false});
        (void)service->get_account(70);
        (void)service->list_accounts(0, 100);
        (void)service->readiness();
        (void)service->stats();
        (void)service->remove_account(70);
      },
      [&] {
        EXPECT_TRUE(service->track({.account_id = 1, .data = "1"}));
        EXPECT_TRUE(service->get_account(1));
      });
}

TEST_P(NoMemory, ClosingCompletesWhatIsPending) {
  std::shared_ptr<RecordingBroker> broker;
  std::unique_ptr<TrackingService> service;
  int calls = 0;
  Receipt receipt;
  const Event event{.account_id = 1, .data = "1"};
  for_each_allocation(
      GetParam(),
      [&] {
        broker = std::make_shared<RecordingBroker>();
        service = TrackingService::open(std::make_unique<FixedAccounts>(), broker).value();
        ASSERT_TRUE(service->track(event));
        broker->is_holding = true;
        calls = 0;
        for (int i = 0; i < 3; ++i) {
          service->track(std::span(&event, 1), [&](std::span<const Receipt> receipts) {
            ++calls;
            receipt = receipts[0];
          });
        }
        // The first one's account may be landing still: then they come to the broker together, by another thread.
        while (broker->lines().size() < 4) std::this_thread::yield();
      },
      [&] { service->close(std::chrono::milliseconds(1)).ignore(); },
      [&] {
        EXPECT_EQ(calls, 3);
        EXPECT_EQ(receipt.code, Code::in_doubt);
        while (broker->held() > 0) broker->take_held().all(AckLevel::sent);
      });
}

}  // namespace
}  // namespace tracking::test
