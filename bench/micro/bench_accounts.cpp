// The account directory: what a lookup costs when the answer is known, and what a known account costs in memory.
#include <benchmark/benchmark.h>
#include <tracking/account.h>
#include <tracking/tracking.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "engine/account_cache.h"
#include "engine/account_directory.h"

namespace tracking::engine {
namespace {

constexpr std::size_t batch = 256;

/// Everyone is active.
class Everyone final : public AccountRepository {
 public:
  Status find(std::span<const AccountId>, std::span<AccountState> states) noexcept override {
    for (AccountState& state : states) state = AccountState::active;
    return {};
  }
  std::unique_ptr<AccountRepository> another() noexcept override { return std::make_unique<Everyone>(); }
};

class Waiting final : public ParkedTarget {
 public:
  void park_and_wait(AccountDirectory& directory, AccountId first, AccountId last) {
    std::vector<Parked> nodes(static_cast<std::size_t>(last - first + 1));
    std::unique_lock lock(mutex_, std::defer_lock);
    std::size_t parked = 0;
    for (Parked& node : nodes) {
      node.account_id = first++;
      node.target = this;
      parked += directory.park(node) == AccountAnswer::must_wait;
    }
    lock.lock();
    turned_.wait(lock, [&] { return resolved_ == parked; });
    resolved_ = 0;
  }
  void resolved(std::span<Parked* const> parked) noexcept override {
    std::lock_guard lock(mutex_);
    resolved_ += parked.size();
    turned_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turned_;
  std::size_t resolved_ = 0;
};

ServiceOptions options_for(AccountId accounts) {
  ServiceOptions options;
  options.account_cache_max = static_cast<std::size_t>(accounts);
  options.account_ttl = std::chrono::hours(1);
  return options;
}

/// A directory that knows accounts 1 .. `accounts`; those that the cache had no room for are few.
std::unique_ptr<AccountDirectory> warm_directory(AccountId accounts) {
  auto directory = std::make_unique<AccountDirectory>(std::make_shared<Everyone>(), options_for(accounts));
  Waiting target;
  for (AccountId first = 1; first <= accounts; first += 10'000) {
    target.park_and_wait(*directory, first, std::min(first + 9'999, accounts));
  }
  return directory;
}

std::vector<AccountId> random_ids(AccountId accounts) {
  std::mt19937_64 random(1);
  std::vector<AccountId> ids(1 << 20);
  for (AccountId& id : ids) id = static_cast<AccountId>(random() % static_cast<std::uint64_t>(accounts)) + 1;
  return ids;
}

template <bool with_prefetch>
void hits(benchmark::State& state) {
  const auto accounts = static_cast<AccountId>(state.range(0));
  const auto directory = warm_directory(accounts);
  const std::vector<AccountId> ids = random_ids(accounts);
  std::size_t at = 0;
  std::uint64_t active = 0;
  std::uint64_t lookups = 0;
  for (auto _ : state) {
    const AccountId* const next = ids.data() + at;
    if constexpr (with_prefetch) {
      for (std::size_t i = 0; i < batch; ++i) directory->prefetch(next[i]);
    }
    for (std::size_t i = 0; i < batch; ++i) active += directory->find(next[i]) == AccountAnswer::active;
    lookups += batch;
    at = (at + batch) % ids.size();
  }
  // Right before fast: all but what did not fit must have been found.
  if (static_cast<double>(active) < 0.99 * static_cast<double>(lookups)) state.SkipWithError("accounts were not known");
  state.SetItemsProcessed(static_cast<std::int64_t>(lookups));
  state.counters["ns_each"] =
      benchmark::Counter(static_cast<double>(lookups) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(hits<false>)->Name("directory/hit")->Arg(16)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(hits<true>)->Name("directory/hit_prefetched")->Arg(16)->Arg(10'000)->Arg(1'000'000);

/// Lookups that need the repository: parked, asked for in batches, handed back.
void misses(benchmark::State& state) {
  AccountDirectory directory(std::make_shared<Everyone>(), options_for(1'000'000));
  Waiting target;
  AccountId first = 1;
  for (auto _ : state) {
    target.park_and_wait(directory, first, first + 999);
    first += 1000;
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(misses)->Name("directory/miss_in_thousands")->UseRealTime();

/// Whole batches through the engine over `memory:`, of accounts at random that are all known: what a lookup and a count
/// of its events cost when an account's lines are in no cache of the processor's.
void track(benchmark::State& state) {
  const auto accounts = static_cast<AccountId>(state.range(0));
  const auto service =
      TrackingService::open(std::make_shared<Everyone>(), "memory:?history=1MiB", options_for(accounts)).value();
  const auto lane = service->lane();
  std::atomic<std::uint64_t> accepted{0};
  std::vector<Event> events(batch, Event{.data = Data::trusted(R"("foo")")});
  const auto send = [&] {
    lane->track(events, [&](std::span<const Receipt> receipts) {
      std::uint64_t ok = 0;
      for (const Receipt& receipt : receipts) ok += receipt.code == Code::ok;
      accepted.fetch_add(ok, std::memory_order_relaxed);
    });
  };
  std::uint64_t sent = 0;
  for (AccountId id = 1; id <= accounts;) {  // warms
    for (Event& event : events) event.account_id = std::min(id++, accounts);
    send();
    sent += batch;
    while (accepted < sent) std::this_thread::yield();
  }
  const std::vector<AccountId> ids = random_ids(accounts);
  std::size_t at = 0;
  std::uint64_t tracked = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i) events[i].account_id = ids[at + i];
    send();
    tracked += batch;
    at = (at + batch) % ids.size();
  }
  while (accepted < sent + tracked) std::this_thread::yield();  // the few that the cache had no room for
  state.SetItemsProcessed(static_cast<std::int64_t>(tracked));
  state.counters["ns_each"] =
      benchmark::Counter(static_cast<double>(tracked) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(track)->Name("engine/track_256")->Arg(1)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(900'000)->UseRealTime();

/// Private memory of this process that is in use.
double rss_anon_bytes() {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (!file) return 0;
  char line[256];
  double kib = 0;
  while (std::fgets(line, sizeof line, file)) {
    if (std::sscanf(line, "RssAnon: %lf kB", &kib) == 1) break;
  }
  std::fclose(file);
  return kib * 1024;
}

void memory(benchmark::State& state) {
  const auto accounts = static_cast<AccountId>(state.range(0));
  for (auto _ : state) {
    const double before = rss_anon_bytes();
    AccountCache cache(static_cast<std::size_t>(accounts));
    for (AccountId id = 1; id <= accounts; ++id) cache.store(id, {.state = AccountState::active, .verified = 1});
    const auto known = static_cast<double>(cache.size());
    state.counters["bytes_each"] = (rss_anon_bytes() - before) / known;
    state.counters["table_bytes_each"] = static_cast<double>(cache.bytes()) / known;
    state.counters["known"] = known;
  }
}
BENCHMARK(memory)->Name("cache/memory")->Arg(1000)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tracking::engine
