#include "engine/engine.h"

#include <new>
#include <thread>

namespace tracking::engine {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Which of the common lanes this thread uses.
std::size_t thread_number() noexcept {
  static std::atomic<std::size_t> count{0};
  thread_local const std::size_t number = count.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// For lanes that completions may still point to: reachable, so that no leak checker calls them lost.
void keep_for_ever(std::unique_ptr<LaneCore> lane) {
  static std::atomic<LaneCore*> kept{nullptr};
  LaneCore* const core = lane.release();
  core->next_kept_ = kept.load(std::memory_order_relaxed);
  while (!kept.compare_exchange_weak(core->next_kept_, core, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

// Short enough to need no memory itself.
Status no_memory() noexcept { return {Code::overloaded, "no memory"}; }

// Nothing is thrown across the library's boundary.
template <class Call>
auto guarded(Call call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception&) {
    return no_memory();
  }
}

// Ends a subscription after so many events.
class LimitedSubscription final : public Subscription {
 public:
  LimitedSubscription(std::unique_ptr<Subscription> inner, std::uint64_t limit)
      : inner_(std::move(inner)), left_(limit) {}

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    if (left_ == 0) {
      out.clear();
      return ReadState::ended;
    }
    const ReadState state =
        inner_->read(out, static_cast<std::size_t>(std::min<std::uint64_t>(events_max, left_)), bytes_max);
    for (const DeliveryView& delivery : out) {
      if (!delivery.gap) --left_;
    }
    return left_ == 0 ? ReadState::ended : state;
  }

  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    return inner_->set_accounts(account_ids);
  }
  std::string cursor() const override { return inner_->cursor(); }
  Status status() const override { return inner_->status(); }

 private:
  const std::unique_ptr<Subscription> inner_;
  std::uint64_t left_;
};

}  // namespace

class Engine::LaneHandle final : public Lane {
 public:
  LaneHandle(Engine& engine, LaneCore& core) : engine_(engine), core_(core) {}
  ~LaneHandle() override { engine_.give_back(core_); }
  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept override {
    core_.track(events, std::move(done), options);
  }

 private:
  Engine& engine_;
  LaneCore& core_;
};

Engine::Engine(const ServiceOptions& options, std::shared_ptr<AccountRepository> repository,
               std::shared_ptr<Broker> broker, DirectoryDrive drive)
    : shared_(std::make_unique<Shared>(options, std::move(repository), std::move(broker), drive)) {}

Engine::~Engine() {
  constexpr auto patience = std::chrono::seconds(10);
  close(patience).ignore();
  // A broker that outlives us may still hold completions of events that were given up at the deadline: then what they
  // point to stays.
  for (auto& lane : lanes_) {
    if (lane->has_abandoned()) keep_for_ever(std::move(lane));
  }
}

void Engine::track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept {
  LaneCore* const lane = common_lane();
  if (!lane) return LaneCore::refuse_unseen(events.size(), done, Code::overloaded);
  lane->track(events, std::move(done), options);
}

std::unique_ptr<Lane> Engine::lane() {
  LaneCore* const core = new_lane();
  if (!core) return nullptr;
  auto handle = std::unique_ptr<Lane>(new (std::nothrow) LaneHandle(*this, *core));
  if (!handle) give_back(*core);
  return handle;
}

/// nullptr: no memory.
LaneCore* Engine::new_lane() noexcept {
  const std::lock_guard lock(mutex_);
  if (!free_lanes_.empty()) {
    LaneCore* const lane = free_lanes_.back();
    free_lanes_.pop_back();
    return lane;
  }
  try {
    free_lanes_.reserve(lanes_.size() + 1);  // so that giving one back needs no memory
    return lanes_.emplace_back(std::make_unique<LaneCore>(*shared_)).get();
  } catch (const std::exception&) {
    return nullptr;
  }
}

void Engine::give_back(LaneCore& lane) noexcept {
  lane.leave_to_another_thread();
  const std::lock_guard lock(mutex_);
  free_lanes_.push_back(&lane);
}

LaneCore* Engine::common_lane() noexcept {
  auto& place = common_[thread_number() % common_lanes];
  LaneCore* lane = place.load(std::memory_order_acquire);
  if (lane) return lane;
  LaneCore* const made = new_lane();
  if (!made || place.compare_exchange_strong(lane, made, std::memory_order_acq_rel)) return made;
  give_back(*made);
  return lane;
}

Result<std::unique_ptr<Subscription>> Engine::open_subscription(const SubscribeOptions& options, Wake wake) noexcept {
  return guarded([&]() -> Result<std::unique_ptr<Subscription>> {
    auto subscription = shared_->broker->subscribe(options, std::move(wake));
    if (!subscription || options.limit == 0) return subscription;
    return std::unique_ptr<Subscription>(
        std::make_unique<LimitedSubscription>(std::move(*subscription), options.limit));
  });
}

Result<std::vector<Account>> Engine::list_accounts(AccountId after, std::size_t limit) {
  return guarded([&] { return shared_->directory.list(after, limit); });
}
Result<Account> Engine::get_account(AccountId id) {
  return guarded([&] { return shared_->directory.get(id); });
}
Status Engine::add_account(const Account& account) {
  return guarded([&] { return shared_->directory.add(account); });
}
Result<Account> Engine::change_account(AccountId id, const AccountChange& change) {
  return guarded([&] { return shared_->directory.change(id, change); });
}
Status Engine::remove_account(AccountId id) {
  return guarded([&] { return shared_->directory.remove(id); });
}

Readiness Engine::readiness() noexcept {
  if (shared_->is_closed.load(std::memory_order_acquire)) {
    const auto closed = [] { return guarded([] { return Status(Code::closed, "the service is closed"); }); };
    return {.accounts = closed(), .broker = closed()};
  }
  return {.accounts = shared_->directory.health(), .broker = shared_->broker->health()};
}

std::uint64_t Engine::pending() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t settled = shared_->settled.total();  // first: it never exceeds the other
  std::uint64_t published = 0;
  for (const auto& lane : lanes_) published += lane->published();
  return published - settled;
}

ServiceStats Engine::stats() noexcept {
  ServiceStats stats;
  shared_->directory.add_stats(stats);
  stats.broker = shared_->broker->stats();
  stats.events_pending = pending();
  const std::lock_guard lock(mutex_);
  for (const auto& lane : lanes_) stats.duplicates += lane->duplicates();
  return stats;
}

Status Engine::close(std::chrono::milliseconds deadline) noexcept {
  const std::lock_guard close_lock(close_mutex_);
  if (is_closed_) return guarded([this] { return close_status_; });
  is_closed_ = true;
  const auto end = SteadyClock::now() + deadline;
  shared_->is_closed.store(true, std::memory_order_release);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& lane : lanes_) lane->fence();
  }
  const auto is_quiet = [this] {
    ServiceStats stats;
    shared_->directory.add_stats(stats);
    return stats.events_parked == 0 && pending() == 0;
  };
  constexpr auto look_every = std::chrono::milliseconds(1);
  while (!is_quiet() && SteadyClock::now() < end) std::this_thread::sleep_for(look_every);
  shared_->directory.close();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now());
  close_status_ = shared_->broker->close(std::max(left, std::chrono::milliseconds(0)));
  const std::uint64_t given_up = pending();
  const std::lock_guard lock(mutex_);
  for (const auto& lane : lanes_) lane->abandon_pending();
  if (close_status_ && given_up > 0) {
    close_status_ = guarded([&]() -> Status {
      return {Code::timed_out,
              std::to_string(given_up) + " events had no answer from the broker by the deadline: in doubt"};
    });
  }
  return guarded([this] { return close_status_; });
}

}  // namespace tracking::engine
