// Subscribing at a distance while allocations fail, the caller's or those of the thread that reads the stream: each
// event comes once, or the subscription ends where it can be resumed; the accounts are those of before or those of
// after.
#include <gtest/gtest.h>
#include <tracking/http.h>
#include <tracking/service.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>

#include "integration_no_memory/stream_server.h"
#include "support/no_memory.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

// In so many short waits: a process that was stopped for long has not waited.
constexpr int waits_max = 3'000;
constexpr auto wait_time = 10ms;
constexpr std::array<AccountId, 2> first_accounts = {1, 2};
constexpr std::array<AccountId, 2> other_accounts = {1, 3};

/// What wakes a reader: the subscription, or that the link lacks memory.
class Signal {
 public:
  Wake wake() {
    return [this] { raise(is_woken_); };
  }
  Log log() {
    return [this](LogLevel, std::string_view message) {
      if (message.find("no memory") != std::string_view::npos) raise(is_link_in_need_);
    };
  }
  void reset() {
    const std::lock_guard lock(mutex_);
    is_woken_ = is_link_in_need_ = false;
  }
  bool is_link_in_need() {
    const std::lock_guard lock(mutex_);
    return is_link_in_need_;
  }
  /// False: it was not woken, but is the link's need what is waited for, too, or the time ran out.
  bool wait(bool is_need_enough) {
    std::unique_lock lock(mutex_);
    const auto is_raised = [&] { return is_woken_ || (is_need_enough && is_link_in_need_); };
    for (int waits = 0; waits < waits_max && !raised_.wait_for(lock, wait_time, is_raised);) ++waits;
    return std::exchange(is_woken_, false);
  }

 private:
  void raise(bool& flag) {
    const std::lock_guard lock(mutex_);
    flag = true;
    raised_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable raised_;
  bool is_woken_ = false;         // guarded by mutex_
  bool is_link_in_need_ = false;  // guarded by mutex_
};

/// The positions that were handed out, kept without an allocation.
struct Positions {
  std::array<std::uint64_t, 4 * StreamServer::end> all;
  std::size_t count = 0;

  void add(std::uint64_t position) noexcept {
    if (count < all.size()) all[count++] = position;
  }
  std::uint64_t last() const noexcept { return count == 0 ? 0 : all[count - 1]; }
  std::vector<std::uint64_t> list() const { return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)}; }
};

std::uint64_t position_of(std::string_view cursor_text) noexcept {
  const auto cursor = parse_cursor(cursor_text);
  return cursor ? cursor->position : 0;
}

/// What a reader must have been handed that changed its accounts, or not, when the old events had come.
std::vector<std::uint64_t> expected_positions(bool has_changed) {
  std::vector<std::uint64_t> positions;
  for (std::uint64_t position = 1; position <= StreamServer::end; ++position) {
    const AccountId account = StreamServer::log[position - 1];
    const auto& wanted = position > StreamServer::old_end && has_changed ? other_accounts : first_accounts;
    const bool is_wanted = std::find(wanted.begin(), wanted.end(), account) != wanted.end();
    if (account == StreamServer::gap || is_wanted) positions.push_back(position);
  }
  return positions;
}

struct Fault {
  MemoryFault memory;
  bool retries;
  bool is_of_service;
};

std::string name_of(const ::testing::TestParamInfo<Fault>& fault) {
  return std::string(fault.param.is_of_service ? "OfAService" : "OfItself") +
         (fault.param.retries ? "Retrying" : "Ending") + (fault.param.memory == MemoryFault::once ? "Once" : "Lasting");
}

std::vector<Fault> faults() {
  std::vector<Fault> faults;
  for (const bool is_of_service : {false, true}) {
    for (const bool retries : {true, false}) {
      for (const auto memory : {MemoryFault::once, MemoryFault::lasting}) {
        faults.push_back({memory, retries, is_of_service});
      }
    }
  }
  return faults;
}

/// Opens subscriptions, by themselves or of a service.
class NoMemoryForStream : public ::testing::TestWithParam<Fault> {
 protected:
  void SetUp() override {
    const std::string url = server.url() + (GetParam().retries ? "" : "?retry=off");
    context = {.url = BackendUrl::parse(url).value(), .log = signal.log()};
    if (GetParam().is_of_service) service = TrackingService::connect(url, backends, {.log = signal.log()}).value();
  }
  /// What a link gets over costs it a pause, so doors that share one do not try each allocation.
  int step() const { return GetParam().retries ? 3 : 1; }
  bool is_lasting() const { return GetParam().memory == MemoryFault::lasting; }
  Result<std::unique_ptr<Subscription>> open(const SubscribeOptions& options) {
    return service ? service->open_subscription(options, signal.wake())
                   : backends.open_subscription(context, options, signal.wake());
  }

  StreamServer server;
  Signal signal;
  const Backends backends{http()};
  BackendContext context;
  std::unique_ptr<TrackingService> service;
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForStream, ::testing::ValuesIn(faults()), name_of);

/// Reads all there is, with a change of accounts on the way. Allocates nothing itself but what it copies of the cursor.
struct Reading {
  StreamServer& server;
  Signal& signal;
  std::unique_ptr<Subscription> subscription = nullptr;
  Deliveries out = {};
  Positions positions = {};
  std::optional<Code> change = std::nullopt;  // what became of it; nothing = it was not tried yet
  std::string cursor = {};                    // at the end
  bool has_ended = false;

  bool has_changed() const { return change == Code::ok; }

  /// True: that position was handed out. Else it ended, or has to wait although the link's need is `enough`.
  bool read_to(std::uint64_t position, bool is_need_enough) {
    while (positions.last() < position) {
      const ReadState state = subscription->read(out, 2, 1 << 20);
      for (const DeliveryView& view : out) positions.add(position_of(view.cursor_text));
      if (positions.last() >= position) break;
      has_ended = state == ReadState::ended;
      if (has_ended || (state == ReadState::idle && !signal.wait(is_need_enough))) return false;
    }
    return true;
  }

  void go_on(bool is_need_enough) {
    if (!read_to(StreamServer::old_end, is_need_enough)) return;
    if (!change) change = subscription->set_accounts(other_accounts).code();
    server.go_on(StreamServer::end);
    if (!read_to(StreamServer::end, is_need_enough)) return;
    try {
      cursor = subscription->cursor();
    } catch (const std::bad_alloc&) {
      return;
    }
    subscription.reset();
  }
};

TEST_P(NoMemoryForStream, EachEventComesOnceOrItEndsWhereItCanBeResumed) {
  const SubscribeOptions options{.account_ids = {first_accounts.begin(), first_accounts.end()}, .since = "all"};
  std::optional<Reading> reading;
  Code opened = Code::ok;
  const auto open_here = [&] {
    auto subscription = open(options);
    opened = subscription.code();
    if (subscription) reading->subscription = std::move(*subscription);
  };
  const int runs = for_each_allocation(
      GetParam().memory,
      [&] {
        reading.reset();
        server.start_over(StreamServer::old_end);
        signal.reset();
        reading.emplace(Reading{server, signal});
      },
      [&] {
        open_here();
        if (opened == Code::ok) reading->go_on(is_lasting());
      },
      [&] {
        if (opened != Code::ok) {
          ASSERT_EQ(opened, Code::overloaded);
          open_here();
          ASSERT_EQ(opened, Code::ok);
        }
        ASSERT_TRUE(!reading->change || reading->change == Code::ok || reading->change == Code::overloaded);
        if (reading->has_ended) {
          const Status status = reading->subscription->status();
          ASSERT_EQ(status.code(), Code::overloaded) << status.message();
          EXPECT_EQ(reading->subscription->read(reading->out, 1, 1), ReadState::ended);
          EXPECT_TRUE(reading->out.empty());
          SubscribeOptions resumed = options;
          if (reading->has_changed()) resumed.account_ids = {other_accounts.begin(), other_accounts.end()};
          // Empty: it ended before it was told where it is.
          if (auto cursor = reading->subscription->cursor(); !cursor.empty()) resumed.since = std::move(cursor);
          reading->subscription.reset();
          reading->subscription = open(resumed).value();
          reading->has_ended = false;
        }
        if (reading->subscription) reading->go_on(false);
        ASSERT_FALSE(reading->subscription);
        ASSERT_EQ(reading->positions.list(), expected_positions(reading->has_changed()));
        EXPECT_EQ(reading->cursor, server.cursor(StreamServer::end));
      },
      service ? step() : 1);
  EXPECT_GT(runs, 100);
}

/// The same by the waiting door.
struct WaitingReading {
  StreamServer& server;
  std::unique_ptr<Subscriber> subscriber = nullptr;
  std::vector<AccountId> others = {other_accounts.begin(), other_accounts.end()};  // moved away by the change
  Positions positions = {};                                                        // of gaps 0: they do not tell
  std::uint64_t reached = 0;
  std::optional<Code> change = std::nullopt;
  std::string cursor = {};

  template <class IsEnough>
  bool read_to(std::uint64_t position, IsEnough is_enough) {
    for (int waits = 0; reached < position;) {
      const auto delivery = subscriber->next(wait_time);
      if (delivery) {
        positions.add(delivery->gap() ? 0 : delivery->event()->sequence);
        if (!delivery->gap()) reached = delivery->event()->sequence;
      } else if (subscriber->is_ended() || is_enough() || ++waits == waits_max) {
        return false;
      }
    }
    return true;
  }

  template <class IsEnough>
  void go_on(IsEnough is_enough) {
    if (!read_to(StreamServer::old_end, is_enough)) return;
    if (!change) change = subscriber->set_accounts(std::move(others)).code();
    server.go_on(StreamServer::end);
    if (!read_to(StreamServer::end, is_enough)) return;
    try {
      cursor = subscriber->cursor();
    } catch (const std::bad_alloc&) {
      return;
    }
    subscriber.reset();
  }
};

TEST_P(NoMemoryForStream, WhoWaitsForEachEventGetsItOnceOrResumes) {
  const SubscribeOptions options{.account_ids = {first_accounts.begin(), first_accounts.end()}, .since = "all"};
  std::optional<WaitingReading> reading;
  Code opened = Code::ok;
  const auto open_here = [&](const SubscribeOptions& with) {
    auto subscriber = service ? service->subscribe(with) : Subscriber::adopt([&](Wake wake) {
      return backends.open_subscription(context, with, std::move(wake));
    });
    opened = subscriber.code();
    if (subscriber) reading->subscriber = std::move(*subscriber);
  };
  const int runs = for_each_allocation(
      GetParam().memory,
      [&] {
        reading.reset();
        server.start_over(StreamServer::old_end);
        signal.reset();
        reading.emplace(WaitingReading{server});
      },
      [&] {
        open_here(options);
        if (opened == Code::ok) reading->go_on([&] { return is_lasting() && signal.is_link_in_need(); });
      },
      [&] {
        if (opened != Code::ok) {
          ASSERT_EQ(opened, Code::overloaded);
          open_here(options);
          ASSERT_EQ(opened, Code::ok);
        }
        const auto never = [] { return false; };
        if (reading->subscriber && reading->subscriber->is_ended()) {
          const Status status = reading->subscriber->status();
          ASSERT_EQ(status.code(), Code::overloaded) << status.message();
          SubscribeOptions resumed = options;
          if (reading->change == Code::ok) resumed.account_ids = {other_accounts.begin(), other_accounts.end()};
          if (auto cursor = reading->subscriber->cursor(); !cursor.empty()) resumed.since = std::move(cursor);
          open_here(resumed);
          ASSERT_EQ(opened, Code::ok);
        }
        if (reading->subscriber) reading->go_on(never);
        ASSERT_FALSE(reading->subscriber);
        auto expected = expected_positions(reading->change == Code::ok);
        for (auto& position : expected) position = StreamServer::log[position - 1] == StreamServer::gap ? 0 : position;
        ASSERT_EQ(reading->positions.list(), expected);
        EXPECT_EQ(reading->cursor, server.cursor(StreamServer::end));
      },
      step());
  EXPECT_GT(runs, 100);
}

}  // namespace
}  // namespace tracking::test
