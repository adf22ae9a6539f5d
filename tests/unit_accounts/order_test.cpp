// The promise of park(), under load: whatever happens to the repository and the cache, the events of one producer and
// account come through in their order, each exactly once.
#include "unit_accounts/support.h"

namespace tracking::engine {
namespace {

constexpr AccountId accounts = 40;
constexpr int events_per_producer = 20'000;

/// Stamps events as a lane does: those that need not wait at once, the others when they are handed back.
class Producer final : public ParkedTarget {
 public:
  explicit Producer(AccountDirectory& directory) : directory_(directory), nodes_(events_per_producer) {}

  void run(unsigned seed) {
    std::uint64_t random = seed;
    for (int number = 0; number < events_per_producer; ++number) {
      random = random * 6364136223846793005 + 1442695040888963407;
      Event& event = nodes_[static_cast<std::size_t>(number)];
      event.account_id = static_cast<AccountId>((random >> 33) % accounts) + 1;
      event.target = this;
      event.number = number;
      AccountAnswer answer = directory_.find(event.account_id);
      if (answer == AccountAnswer::must_wait) answer = directory_.park(event);
      if (answer != AccountAnswer::must_wait) take(event.account_id, number, answer);
    }
  }
  void resolved(std::span<Parked* const> parked) noexcept override {
    for (Parked* one : parked) take(one->account_id, static_cast<Event*>(one)->number, one->answer);
  }
  bool wait_for_all() {
    return eventually([&] { return done_ == events_per_producer; }, 60s);
  }
  int out_of_order() const { return out_of_order_; }
  int accepted() const { return accepted_; }

 private:
  struct Event : Parked {
    int number = 0;
  };

  void take(AccountId account, int number, AccountAnswer answer) {
    if (answer == AccountAnswer::active) {
      std::lock_guard lock(mutex_);
      int& last = last_[static_cast<std::size_t>(account)];
      out_of_order_ += number <= last;
      last = number;
      ++accepted_;
    }
    ++done_;
  }

  AccountDirectory& directory_;
  std::vector<Event> nodes_;
  std::mutex mutex_;
  std::vector<int> last_ = std::vector<int>(accounts + 1, -1);
  std::atomic<int> out_of_order_{0};
  std::atomic<int> accepted_{0};
  std::atomic<int> done_{0};
};

TEST(AccountOrder, IsKeptWhateverHappens) {
  testing::ManualClock clock;
  ServiceOptions options;
  options.clock = &clock;
  options.account_cache_max = 20;  // fewer than accounts: entries come and go
  auto script = std::make_shared<Script>();
  script->watch = AccountWatch::quiet;
  for (AccountId id = 1; id <= accounts; ++id) script->states[id] = AccountState::active;
  AccountDirectory directory(std::make_shared<ScriptedRepository>(script), options);

  Producer first(directory);
  Producer second(directory);
  std::atomic<bool> is_done = false;
  std::thread trouble([&] {
    for (int i = 0; !is_done; ++i) {
      const AccountId id = i % accounts + 1;
      if (i % 3 == 0) script->tell({id, id % accounts + 1});
      if (i % 10 == 0) script->tell({});
      if (i % 7 == 0) directory.change(id, {.is_active = i % 2 == 0}).error().ignore();
      script->fail_with(i % 50 > 45 ? Code::accounts_unavailable : Code::ok);
      script->set_watch(i % 40 > 30 ? AccountWatch::lost : AccountWatch::quiet);
      clock.advance(i % 20 == 0 ? 5s : 10ms);
      std::this_thread::yield();
    }
    script->fail_with(Code::ok);
  });
  std::thread one([&] { first.run(1); });
  std::thread two([&] { second.run(2); });
  one.join();
  two.join();
  is_done = true;
  trouble.join();
  ASSERT_TRUE(first.wait_for_all());
  ASSERT_TRUE(second.wait_for_all());
  EXPECT_EQ(first.out_of_order(), 0);
  EXPECT_EQ(second.out_of_order(), 0);
  EXPECT_GT(first.accepted() + second.accepted(), 0);
  ServiceStats stats;
  directory.add_stats(stats);
  EXPECT_EQ(stats.events_parked, 0U);
  RecordProperty("accepted", first.accepted() + second.accepted());
  RecordProperty("parked", static_cast<int>(stats.lookups_missed));
}

TEST(AccountOrder, EveryEventIsHandedBackWhenItIsClosedInTheMiddle) {
  for (int round = 0; round < 20; ++round) {
    ServiceOptions options;
    auto script = std::make_shared<Script>();
    for (AccountId id = 1; id <= accounts; ++id) script->states[id] = AccountState::active;
    AccountDirectory directory(std::make_shared<ScriptedRepository>(script), options);
    Producer producer(directory);
    std::thread running([&] { producer.run(3); });
    std::thread closing([&] {
      script->wait_for_queries(static_cast<std::size_t>(round % 2));
      directory.close();
    });
    running.join();
    closing.join();
    ASSERT_TRUE(producer.wait_for_all());
    EXPECT_EQ(producer.out_of_order(), 0);
  }
}

}  // namespace
}  // namespace tracking::engine
