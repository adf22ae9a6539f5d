// The way from a store into the live history: nothing lost, nothing twice, whatever happens meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "unit_history/support.h"

namespace tracking::history {
namespace {

constexpr std::uint64_t incarnation = 7;

/// A store that keeps every event in a map. Its scans find what was there when they looked.
struct Store {
  std::map<std::uint64_t, AccountId> events;
  std::uint64_t end = 1;  // of what a scan can know
  int scans_opened = 0;
  bool is_broken = false;
  bool is_slow = false;  // its scans are reading ahead, and have nothing yet
  Wake wake;             // of the newest scan
  std::mt19937_64 random{1};
};

class StoreScan final : public HistoryScan {
 public:
  StoreScan(Store& store, std::uint64_t position, const AccountFilter& filter)
      : store_(store), position_(position), single_(filter.single()) {}

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t) noexcept override {
    out.clear();
    if (store_.is_broken) return ReadState::ended;
    if (store_.is_slow) return ReadState::idle;
    if (store_.random() % 4 == 0) return ReadState::more;  // still reading ahead
    std::size_t left = 1 + store_.random() % events_max;
    for (auto event = store_.events.lower_bound(position_); left > 0; ++event) {
      if (event == store_.events.end()) {
        position_ = store_.end;
        break;
      }
      position_ = event->first + 1;
      if (single_ && *single_ != event->second) continue;
      out.add({.json = out.copy(line_json(event->second, event->first)),
               .account_id = event->second,
               .cursor = {.incarnation = incarnation, .position = event->first}});
      --left;
    }
    return position_ < store_.end ? ReadState::more : ReadState::idle;
  }
  std::uint64_t position() const noexcept override { return position_; }
  Status status() const override { return {Code::internal, "the store is broken"}; }

 private:
  Store& store_;
  std::uint64_t position_;
  std::optional<AccountId> single_;
};

struct StoredSubscriptionTest : ::testing::Test {
  // Stored first, then live, as brokers do it.
  void track(AccountId account = 1, std::uint64_t hole = 0) {
    const std::uint64_t position = std::max(store.end, live->extent().next) + hole;
    store.events[position] = account;
    store.end = position + 1;
    put(*live, position, account);
  }
  std::unique_ptr<Subscription> open(StoredStart start, const SubscribeOptions& options = {}) {
    return open_stored(
               live, options, std::move(start),
               [this](std::uint64_t position, const AccountFilter& filter,
                      Wake wake) -> Result<std::unique_ptr<HistoryScan>> {
                 ++store.scans_opened;
                 store.wake = std::move(wake);
                 if (store.is_broken) return {Code::broker_unavailable, "the store is broken"};
                 return std::unique_ptr<HistoryScan>(std::make_unique<StoreScan>(store, position, filter));
               },
               [this] { ++wakes; })
        .value();
  }
  /// The live history begins anew, empty: as after a start of the process.
  void forget() {
    live = std::make_shared<EventHistory>(
        HistorySettings{.bytes_max = 1 << 20, .incarnation = incarnation, .next_position = store.end}, Clock::system());
  }

  int wakes = 0;
  Store store;
  std::shared_ptr<EventHistory> live = std::make_shared<EventHistory>(
      HistorySettings{.bytes_max = 1 << 20, .incarnation = incarnation}, Clock::system());
};

TEST_F(StoredSubscriptionTest, ReadsTheStoreThenTheLiveHistory) {
  for (int i = 0; i < 4; ++i) track();
  forget();
  auto subscription = open({.position = 2});
  track();
  EXPECT_EQ(read_all(*subscription), "2 3 4 5");
  track();
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(read_all(*subscription), "6");
}

TEST_F(StoredSubscriptionTest, AsksTheStoreForNothingThatIsHeldLive) {
  for (int i = 0; i < 4; ++i) track();
  EXPECT_EQ(read_all(*open({.position = 2})), "2 3 4");
  EXPECT_EQ(store.scans_opened, 0);
}

TEST_F(StoredSubscriptionTest, TellsItsOpeningGapFirstAtItsOpeningCursor) {
  for (int i = 0; i < 4; ++i) track();
  forget();
  const Cursor before{.incarnation = incarnation, .position = 2, .id_hash = 9};
  auto subscription = open({.position = 3, .gap = Gap{.reason = "expired", .missed = 2}, .cursor = before});
  EXPECT_EQ(subscription->cursor(), to_text(before));
  EXPECT_EQ(read_all(*subscription), "[expired 2] 3 4");
}

TEST_F(StoredSubscriptionTest, WithoutFollowingItEndsBeforeItsEnd) {
  for (int i = 0; i < 6; ++i) track(1 + i % 2);
  for (const bool is_live : {true, false}) {
    if (!is_live) forget();
    ReadState state{};
    EXPECT_EQ(read_all(*open({.position = 2, .end = 5}, {.follow = false}), &state), "2 3 4");
    EXPECT_EQ(state, ReadState::ended);
    EXPECT_EQ(read_all(*open({.position = 1, .end = 5}, {.account_ids = {2}, .follow = false})), "2 4");
  }
}

TEST_F(StoredSubscriptionTest, AStoreThatFailsEndsItAndSaysWhy) {
  for (int i = 0; i < 4; ++i) track();
  forget();
  auto subscription = open({.position = 1});
  store.is_broken = true;
  ReadState state{};
  EXPECT_EQ(read_all(*subscription, &state), "");
  EXPECT_EQ(state, ReadState::ended);
  EXPECT_EQ(subscription->status().message(), "the store is broken");
}

TEST_F(StoredSubscriptionTest, AnAccountThatIsAddedWhileScanningBeginsWithWhatComesFromThenOn) {
  for (int i = 0; i < 6; ++i) track(1 + i % 2);  // account 2 at the even positions
  forget();
  auto subscription = open({.position = 1}, {.account_ids = {1}});
  ASSERT_TRUE(subscription->set_accounts(std::vector<AccountId>{1, 2}));
  track(2);
  EXPECT_EQ(read_all(*subscription), "1 3 5 7");
}

/// With a scan that has nothing yet, and whose wake the reader waits for.
struct WaitingSubscriptionTest : StoredSubscriptionTest {
  WaitingSubscriptionTest() {
    for (int i = 0; i < 4; ++i) track(1 + i % 2);  // account 2 at the even positions
    forget();
    store.is_slow = true;
    subscription = open({.position = 1}, {.account_ids = {1, 2}});
    ReadState state{};
    EXPECT_EQ(read_all(*subscription, &state), "");
    EXPECT_EQ(state, ReadState::idle);
  }
  Status set_accounts(const std::vector<AccountId>& accounts) { return subscription->set_accounts(accounts); }

  std::unique_ptr<Subscription> subscription;
};

TEST_F(WaitingSubscriptionTest, IsWokenWhenItsFilterChangesBecauseItsScanIsAnother) {
  ASSERT_TRUE(set_accounts({2}));
  EXPECT_EQ(wakes, 1) << "the scan that it waited for has gone";
  store.is_slow = false;
  EXPECT_EQ(read_all(*subscription), "2 4");
}

TEST_F(WaitingSubscriptionTest, IsWokenWhenItEndsBecauseItsFilterChanged) {
  store.is_broken = true;
  EXPECT_FALSE(set_accounts({2}));
  EXPECT_EQ(wakes, 1);
  ReadState state{};
  EXPECT_EQ(read_all(*subscription, &state), "");
  EXPECT_EQ(state, ReadState::ended);
}

TEST_F(WaitingSubscriptionTest, IsNotWokenTwice) {
  store.wake();
  ASSERT_TRUE(set_accounts({2}));
  EXPECT_EQ(wakes, 1);
  store.wake();
  EXPECT_EQ(wakes, 1) << "not before it has read again";
}

TEST_F(WaitingSubscriptionTest, IsNotWokenForAFilterIfItDoesNotWait) {
  store.is_slow = false;
  ReadState state{};
  read_once(*subscription, &state, 1);
  ASSERT_EQ(state, ReadState::more);
  ASSERT_TRUE(set_accounts({2}));
  EXPECT_EQ(wakes, 0);
}

TEST_F(StoredSubscriptionTest, ARestartWhileScanningIsTold) {
  for (int i = 0; i < 4; ++i) track();
  forget();
  auto subscription = open({.position = 1});
  live->restart(8, 1);
  put(*live, 1);
  EXPECT_EQ(read_all(*subscription), "[unknown-cursor] 1");
}

/// Events, readers that are slow, cut and resumed, and live histories that hold little or begin anew, by a seed.
class RandomRun {
 public:
  explicit RandomRun(StoredSubscriptionTest& test, std::uint64_t seed) : test_(test), random_(seed) {
    test_.store.random.seed(seed);
  }

  void run(bool asks_for_one) {
    const SubscribeOptions options{.account_ids = asks_for_one ? std::vector<AccountId>{1} : std::vector<AccountId>{},
                                   .buffer_bytes_max = 64u << 20};
    std::uint64_t next = 1;
    auto subscription = test_.open({.position = 1}, options);
    for (int step = 0; step < 150; ++step) {
      for (auto events = random_() % (step % 50 == 49 ? 20'000 : 20); events > 0; --events)
        test_.track(1 + static_cast<AccountId>(random_() % 3), random_() % 50 == 0 ? random_() % 2'000 : 0);
      if (random_() % 10 == 0) {
        subscription.reset();
        if (random_() % 2 == 0) test_.forget();
        subscription = test_.open({.position = next}, options);
      }
      for (auto reads = random_() % 20; reads > 0; --reads) check(*subscription, next, asks_for_one);
    }
    for (ReadState state = ReadState::more; state != ReadState::idle;) state = check(*subscription, next, asks_for_one);
    const auto missed = std::find_if(test_.store.events.lower_bound(next), test_.store.events.end(),
                                     [&](const auto& event) { return !asks_for_one || event.second == 1; });
    EXPECT_EQ(missed, test_.store.events.end());
  }

 private:
  /// What is delivered is what the store has next.
  ReadState check(Subscription& subscription, std::uint64_t& next, bool asks_for_one) {
    Deliveries deliveries;
    const ReadState state = subscription.read(deliveries, 1 + random_() % 300, 1 << 20);
    for (const DeliveryView& view : deliveries) {
      EXPECT_FALSE(view.gap);
      auto expected = test_.store.events.lower_bound(next);
      while (asks_for_one && expected->second != 1) ++expected;
      EXPECT_EQ(view.cursor.position, expected->first);
      next = expected->first + 1;
    }
    return state;
  }

  StoredSubscriptionTest& test_;
  std::mt19937_64 random_;
};

TEST_F(StoredSubscriptionTest, EveryEventComesOnceAndInOrderWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 12 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    store = {};
    forget();
    RandomRun(*this, seed).run(seed % 2 == 0);
  }
}

}  // namespace
}  // namespace tracking::history
