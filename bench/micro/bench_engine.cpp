// The engine in process: tracking over the memory broker while one subscriber counts what arrives. Every run compares
// the count with what it tracked.
#include <benchmark/benchmark.h>
#include <tracking/tracking.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tracking::AccountId;
using tracking::Data;
using tracking::Event;

constexpr AccountId account_count = 1'000;
constexpr std::string_view example_data = R"("foo")";

/// Counts on a thread of its own, as an embedding program would: the batch form.
class CountingSubscriber {
 public:
  explicit CountingSubscriber(tracking::TrackingService& service)
      : subscriber_(service.subscribe({.buffer_bytes_max = std::size_t{1} << 30}).value()),
        thread_([this] { run(); }) {}
  ~CountingSubscriber() {
    subscriber_->close();
    thread_.join();
  }
  /// False if less than `events` arrived within ten seconds; gaps count what they say was missed.
  bool has_counted(std::uint64_t events) const {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (count_ < events && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(100us);
    return count_ == events;
  }

 private:
  void run() {
    while (!subscriber_->is_ended()) {
      subscriber_->next_batch(100ms, [this](const tracking::Deliveries& batch) {
        std::uint64_t count = 0;
        for (const tracking::DeliveryView& view : batch) count += view.gap ? view.gap->missed.value_or(0) : 1;
        count_.fetch_add(count, std::memory_order_release);
      });
    }
  }

  std::atomic<std::uint64_t> count_{0};
  std::unique_ptr<tracking::Subscriber> subscriber_;
  std::thread thread_;
};

struct Engine {
  Engine() {
    std::vector<tracking::Account> accounts;
    for (AccountId id = 1; id <= account_count; ++id) accounts.push_back({.id = id, .name = "a"});
    service = tracking::TrackingService::open(accounts, "memory:").value();
    while (!service->readiness().is_ready()) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(300ms);  // the first confirmation of the account watch is over
    for (AccountId id = 1; id <= account_count; ++id) service->track({.account_id = id, .data = example_data}).value();
  }
  std::unique_ptr<tracking::TrackingService> service;
};

Engine& engine() {
  static Engine& engine = *new Engine;
  return engine;
}

/// What became of one thread's events. An account that must be asked for has its batch answered later, on another
/// thread; all others are counted without a locked instruction, which would be part of what is measured.
class Tally {
 public:
  void add(std::span<const tracking::Receipt> receipts) {
    std::uint64_t ok = 0;
    for (const tracking::Receipt& receipt : receipts) ok += receipt.code == tracking::Code::ok;
    if (ok < receipts.size()) {
      refusal = receipts.back().code;
      refused += receipts.size() - ok;
    }
    if (std::this_thread::get_id() == owner_) {
      answered_here_ += receipts.size();
    } else {
      answered_elsewhere_ += receipts.size();
    }
  }
  /// The owner's thread.
  std::uint64_t answered() const { return answered_here_ + answered_elsewhere_; }

  std::atomic<std::uint64_t> refused{0};
  std::atomic<tracking::Code> refusal{tracking::Code::ok};

 private:
  const std::thread::id owner_ = std::this_thread::get_id();
  std::uint64_t answered_here_ = 0;
  std::atomic<std::uint64_t> answered_elsewhere_{0};
};

// Events of `batch_size`, each thread on a lane and on accounts of its own.
void track(benchmark::State& state, Data data) {
  tracking::TrackingService& service = *engine().service;
  static std::unique_ptr<CountingSubscriber> subscriber;
  static std::atomic<std::uint64_t> tracked;
  if (state.thread_index() == 0) {
    tracked = 0;
    subscriber = std::make_unique<CountingSubscriber>(service);
  }
  const auto batch_size = static_cast<std::size_t>(state.range(0));
  const auto lane = service.lane();
  std::vector<Event> batch(batch_size);
  AccountId next = state.thread_index() * 200;
  for (Event& event : batch) event = {.account_id = 1 + next++ % account_count, .data = data};
  Tally tally;
  std::uint64_t events = 0;
  for (auto _ : state) {
    // One pointer: std::function allocates for more than two.
    lane->track(batch, [&tally](std::span<const tracking::Receipt> receipts) { tally.add(receipts); });
    events += batch_size;
  }
  while (tally.answered() < events) std::this_thread::sleep_for(100us);
  tracked += events;
  if (tally.refused > 0) {
    const std::string why = "not every event was accepted: " + std::string(name(tally.refusal.load()));
    state.SkipWithError(why.c_str());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
  if (state.thread_index() == 0 && state.threads() == 1) {
    if (!subscriber->has_counted(tracked)) state.SkipWithError("the subscriber did not count every event");
    subscriber.reset();
  }
}

void BM_TrackTrusted(benchmark::State& state) { track(state, Data::trusted(example_data)); }
BENCHMARK(BM_TrackTrusted)->Arg(1)->Arg(256)->UseRealTime();
BENCHMARK(BM_TrackTrusted)->Arg(256)->Threads(2)->UseRealTime();

void BM_TrackValidated(benchmark::State& state) { track(state, Data(example_data)); }
BENCHMARK(BM_TrackValidated)->Arg(1)->Arg(256)->UseRealTime();

// The synchronous coat.
void BM_TrackAndWait(benchmark::State& state) {
  tracking::TrackingService& service = *engine().service;
  const Event event{.account_id = 1, .data = Data::trusted(example_data)};
  std::int64_t events = 0;
  for (auto _ : state) {
    if (!service.track(event)) return state.SkipWithError("refused");
    ++events;
  }
  state.SetItemsProcessed(events);
}
BENCHMARK(BM_TrackAndWait);

// One event to N subscribers of its account, each of which reads it.
void BM_FanOut(benchmark::State& state) {
  tracking::TrackingService& service = *engine().service;
  std::vector<std::unique_ptr<tracking::Subscription>> subscriptions;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    subscriptions.push_back(service.open_subscription({.account_ids = {1}}, [] {}).value());
  tracking::Deliveries out;
  for (auto& subscription : subscriptions) subscription->read(out, 16, 1 << 16);
  const Event event{.account_id = 1, .data = Data::trusted(example_data)};
  for (auto _ : state) {
    if (!service.track(event)) return state.SkipWithError("refused");
    for (auto& subscription : subscriptions) {
      subscription->read(out, 16, 1 << 16);
      if (out.size() != 1) return state.SkipWithError("not delivered once");
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FanOut)->Arg(1)->Arg(100)->Arg(10'000);

// What a subscriber of another account costs the publisher.
void BM_TrackBesideOthersSubscribers(benchmark::State& state) {
  tracking::TrackingService& service = *engine().service;
  std::vector<std::unique_ptr<tracking::Subscription>> subscriptions;
  tracking::Deliveries out;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    subscriptions.push_back(service.open_subscription({.account_ids = {100 + i % 900}}, [] {}).value());
    subscriptions.back()->read(out, 16, 1 << 16);
  }
  const Event event{.account_id = 1, .data = Data::trusted(example_data)};
  for (auto _ : state) {
    if (!service.track(event)) return state.SkipWithError("refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TrackBesideOthersSubscribers)->Arg(0)->Arg(10'000);

}  // namespace
