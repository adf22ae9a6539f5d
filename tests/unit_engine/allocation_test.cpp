// On the hit path an event allocates nothing.
#include <gtest/gtest.h>
#include <malloc.h>
#include <tracking/tracking.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "unit_engine/support.h"

namespace {
// Of the thread that tracks and reads; the engine's own threads work in the background.
thread_local std::uint64_t allocations = 0;
thread_local std::int64_t bytes_held = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  bytes_held += static_cast<std::int64_t>(::malloc_usable_size(memory));
  return memory;
}
void operator delete(void* memory) noexcept {
  bytes_held -= static_cast<std::int64_t>(::malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace tracking {
namespace {

using namespace std::chrono_literals;

// So many lines fit one chunk of history (256 KiB), which is the memory broker's unit of allocation.
constexpr int event_count = 1'000;

struct Allocations : ::testing::Test {
  void SetUp() override {
    for (int i = 0; i < 2 * event_count; ++i) ASSERT_TRUE(service->track(event));
    read_all();
    // A line that fills what is left of the chunk: the events that are counted begin a new one, made here.
    const std::string filler = '"' + std::string(250'000, 'x') + '"';
    ASSERT_TRUE(service->track({.account_id = 1, .data = filler}));
    ASSERT_TRUE(service->track({.account_id = 1, .data = "1"}));
    ASSERT_TRUE(service->track(std::vector<Event>(256, event)).size() == 256);
    read_all();
    before = allocations;
  }
  std::size_t read_all() {
    std::size_t count = 0;
    while (auto read = subscriber->next_batch(1ms, [](const Deliveries&) {})) count += read;
    return count;
  }
  const Event event{.account_id = 1, .data = R"({"page":"/","price":1.5})"};
  std::unique_ptr<TrackingService> service =
      TrackingService::open(std::make_unique<test::FixedAccounts>(), "memory:").value();
  std::unique_ptr<Subscriber> subscriber = service->subscribe().value();
  std::uint64_t before = 0;
};

TEST_F(Allocations, WhatALargeBatchTookIsGivenBack) {
  constexpr std::size_t large = 200'000;
  const std::vector<Event> batch(large, Event{.account_id = 0, .data = "1"});  // refused: nothing of it is kept
  const std::int64_t held = bytes_held;
  std::size_t refused = 0;
  service->track(batch, [&](std::span<const Receipt> receipts) { refused = receipts.size(); });
  EXPECT_EQ(refused, large);
  EXPECT_LT(bytes_held - held, static_cast<std::int64_t>(large * 8)) << "of 100 bytes an event";
}

TEST_F(Allocations, TheCounterCounts) {
  ::operator delete(::operator new(1));
  EXPECT_GT(allocations, before);
}

TEST_F(Allocations, TrackingOneByOneMakesNone) {
  for (int i = 0; i < event_count; ++i) ASSERT_TRUE(service->track(event));
  EXPECT_EQ(allocations - before, 0u);
}

TEST_F(Allocations, TrackingABatchMakesNone) {
  const std::vector<Event> batch(256, event);
  std::size_t accepted = 0;
  before = allocations;
  service->track(batch, [&accepted](std::span<const Receipt> receipts) { accepted = receipts.size(); });
  EXPECT_EQ(accepted, batch.size());
  EXPECT_EQ(allocations - before, 0u);
}

/// Completes at once, and from then on what it was given, in that order, when it is told to.
class LateBroker final : public Broker {
 public:
  static constexpr std::size_t waiting_max = 128;
  void publish(Lines, Completion done) noexcept override {
    if (!is_late) return done.all(AckLevel::sent);
    waiting_[last_++ % waiting_max].emplace(std::move(done));
  }
  BrokerTraits traits() const noexcept override { return {}; }
  void complete_one() { waiting_[first_++ % waiting_max]->all(AckLevel::sent); }
  std::size_t waiting() const { return last_ - first_; }

  std::atomic<bool> is_late = false;

 private:
  std::array<std::optional<Completion>, waiting_max> waiting_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

// As many are under way as a busy server has, and they end in groups, as over a log that syncs.
TEST(AllocationsOfLateAnswers, AreOfAsManyEventsAsWereUnderWay) {
  constexpr std::size_t under_way = 64;
  const auto broker = std::make_shared<LateBroker>();
  const auto service = TrackingService::open(std::make_unique<test::FixedAccounts>(), broker).value();
  const auto lane = service->lane();
  const Event event{.account_id = 1, .data = "1"};
  // Until its account is known an event comes to the broker on another thread.
  for (bool is_known = false; !is_known;) {
    std::promise<std::thread::id> answered_by;
    lane->track({&event, 1},
                [&answered_by](std::span<const Receipt>) { answered_by.set_value(std::this_thread::get_id()); });
    is_known = answered_by.get_future().get() == std::this_thread::get_id();
  }
  broker->is_late = true;
  std::uint64_t before = 0;
  std::size_t answered = 0;
  std::size_t tracked = 0;
  for (int round = 0; round < 1'000; ++round) {
    if (round == 100) before = allocations;
    for (; broker->waiting() < under_way; ++tracked)
      lane->track({&event, 1}, [&answered](std::span<const Receipt> receipts) { answered += receipts.size(); });
    for (int group = 10 + round % 3 * 16; group > 0; --group) broker->complete_one();
  }
  EXPECT_EQ(allocations - before, 0u);
  while (broker->waiting() > 0) broker->complete_one();
  EXPECT_EQ(answered, tracked);
}

TEST_F(Allocations, ReadingInBatchesMakesNone) {
  for (int i = 0; i < event_count; ++i) ASSERT_TRUE(service->track(event));
  EXPECT_EQ(read_all(), static_cast<std::size_t>(event_count));
  EXPECT_EQ(allocations - before, 0u);
}

}  // namespace
}  // namespace tracking
