// The waiting coat over a Subscription.
#include <tracking/subscriber.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace tracking {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;
constexpr SteadyTime forever = SteadyTime::max();
constexpr std::size_t batch_events_max = 1'024;
constexpr std::size_t batch_bytes_max = 256 << 10;  // enough to spread the cost of a read, small enough for a cache

// Who reads events faster than they come lets them gather for so long before it looks again. While they come in a row
// it does not go to sleep at each of them, and nobody has to wake it: that costs the publisher more than the event.
// When none comes, waiting has about doubled the cost of falling asleep and being woken. Where several came meanwhile
// more will, and each look takes the cache lines that the publisher writes to next away from it: that is worth waiting
// longer for.
constexpr std::chrono::nanoseconds gathering_time = 2us;
constexpr std::chrono::nanoseconds gathering_time_in_a_stream = 10us;
constexpr std::size_t stream_events = 4;
constexpr std::size_t few_events = 64;

void let_events_gather(std::chrono::nanoseconds time) {
  static const bool has_other_cores = std::thread::hardware_concurrency() > 1;
  if (!has_other_cores) return;
  for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
}

SteadyTime deadline_after(std::chrono::nanoseconds timeout) {
  const auto now = std::chrono::steady_clock::now();
  return timeout > forever - now ? forever : now + std::chrono::duration_cast<SteadyTime::duration>(timeout);
}

// What a wake reaches. Shared with the callback, so that a late wake finds it alive.
struct Signal {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_raised = false;  // guarded by mutex
  bool is_closed = false;  // guarded by mutex

  void raise() {
    {
      const std::lock_guard lock(mutex);
      is_raised = true;
    }
    changed.notify_one();
  }
};

}  // namespace

struct Subscriber::Impl {
  std::shared_ptr<Signal> signal = std::make_shared<Signal>();

  // Held while the subscription is called: set_accounts() and cursor() come from any thread.
  mutable std::mutex mutex;
  std::unique_ptr<Subscription> subscription;  // constant after construction
  Deliveries batch;                            // what next() hands out piece by piece; used by the reading thread
  std::size_t batch_next = 0;
  std::size_t few = 0;              // events that the last read gave, if more may come at once; reading thread
  std::vector<AccountId> accounts;  // guarded by mutex; sorted, empty = all
  std::optional<Cursor> cursor;     // guarded by mutex; of the last delivery handed over
  std::string opening_cursor;       // guarded by mutex; while none was: where the last read began
  bool is_read_ahead = false;       // guarded by mutex; the last read gave something
  std::string cursor_as_received;   // guarded by mutex; the same as it came from a distance, or empty
  bool has_ended = false;           // guarded by mutex
  bool has_no_memory = false;       // guarded by mutex; that is why it ended

  // mutex held. The text is made when it is asked for: most cursors never are.
  void hand_over(const DeliveryView& view, std::string cursor_text) noexcept {
    cursor_as_received = std::move(cursor_text);
    cursor = view.cursor;
    if (cursor->id_hash != 0 || view.gap || !view.cursor_text.empty()) return;
    if (const auto event = parse_event_line(view.json)) cursor->id_hash = hash_id(event->id);
  }

  bool is_closed() const {
    const std::lock_guard lock(signal->mutex);
    return signal->is_closed;
  }

  // Waits for the subscription to have something. False: time-out or closed.
  bool wait(SteadyTime deadline) const {
    std::unique_lock lock(signal->mutex);
    const auto is_done = [this] { return signal->is_raised || signal->is_closed; };
    if (deadline == forever) {
      signal->changed.wait(lock, is_done);
    } else if (!signal->changed.wait_until(lock, deadline, is_done)) {
      return false;
    }
    signal->is_raised = false;
    return !signal->is_closed;
  }

  // Fills `out`; false: nothing came until the deadline, or it is over.
  bool fill(Deliveries& out, SteadyTime deadline) {
    if (const std::size_t last = std::exchange(few, 0); last > 0)
      let_events_gather(last < stream_events ? gathering_time : gathering_time_in_a_stream);
    while (!is_closed()) {
      ReadState state;
      {
        const std::lock_guard lock(mutex);
        if (has_ended) return false;
        if (!cursor) opening_cursor = subscription->cursor();
        state = subscription->read(out, batch_events_max, batch_bytes_max);
        is_read_ahead = !out.empty();
        has_ended = state == ReadState::ended;
      }
      if (!out.empty()) {
        few = state == ReadState::more && out.size() < few_events ? out.size() : 0;
        return true;
      }
      if (state == ReadState::ended) return false;
      if (state == ReadState::idle && !wait(deadline)) return false;
    }
    return false;
  }

  // The filter may have changed since the batch was read.
  bool is_wanted(const DeliveryView& view) const {
    return view.gap || accounts.empty() || std::binary_search(accounts.begin(), accounts.end(), view.account_id);
  }

  // Leaves in the batch what is still to be handed over.
  void trim_batch() {
    if (batch.empty()) return;
    const std::lock_guard lock(mutex);
    if (batch_next == 0 && accounts.empty()) return;
    std::size_t index = 0;
    batch.erase_if([&](const DeliveryView& view) { return index++ < batch_next || !is_wanted(view); });
    batch_next = 0;
  }

  // What was read but cannot be handed over is lost to this subscriber, so it ends: the reader can resume at its
  // cursor.
  void end_without_memory() {
    const std::lock_guard lock(mutex);
    has_ended = has_no_memory = true;
    batch.clear();
    batch_next = 0;
  }

  std::optional<Delivery> next(SteadyTime deadline) try {
    return wait_for_next(deadline);
  } catch (const std::bad_alloc&) {
    end_without_memory();
    return std::nullopt;
  }

  std::optional<Delivery> wait_for_next(SteadyTime deadline) {
    for (;;) {
      if (is_closed()) return std::nullopt;
      {
        const std::lock_guard lock(mutex);
        while (batch_next < batch.size()) {
          const DeliveryView& view = batch[batch_next++];
          if (!is_wanted(view)) continue;
          Delivery delivery(view);
          hand_over(view, std::string(view.cursor_text));
          return delivery;
        }
        batch_next = 0;
        batch.clear();
      }
      if (!fill(batch, deadline)) return std::nullopt;
    }
  }
};

Subscriber::Subscriber(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Subscriber::~Subscriber() { close(); }

Result<std::unique_ptr<Subscriber>> Subscriber::adopt(
    const std::function<Result<std::unique_ptr<Subscription>>(Wake)>& open) try {
  auto impl = std::make_unique<Impl>();
  auto subscription = open([signal = impl->signal] { signal->raise(); });
  if (!subscription) return subscription.error();
  impl->subscription = std::move(*subscription);
  return std::unique_ptr<Subscriber>(new Subscriber(std::move(impl)));
} catch (const std::bad_alloc&) {
  return {Code::overloaded, "no memory"};
}

Result<std::unique_ptr<Subscriber>> Subscriber::open(std::string_view url, const SubscribeOptions& options,
                                                     const Backends& backends) try {
  auto parsed = BackendUrl::parse(url);
  if (!parsed) return parsed.error();
  BackendContext context{.url = std::move(*parsed)};
  return adopt([&](Wake wake) { return backends.open_subscription(context, options, std::move(wake)); });
} catch (const std::bad_alloc&) {
  return {Code::overloaded, "no memory"};
}

std::optional<Delivery> Subscriber::next() { return impl_->next(forever); }

std::optional<Delivery> Subscriber::next(std::chrono::nanoseconds timeout) {
  return impl_->next(deadline_after(timeout));
}

std::size_t Subscriber::next_batch(std::chrono::nanoseconds timeout,
                                   const std::function<void(const Deliveries&)>& handle) {
  const auto deadline = deadline_after(timeout);
  const Deliveries& batch = impl_->batch;
  std::string cursor_text;
  try {
    for (impl_->trim_batch(); batch.empty(); impl_->trim_batch()) {
      if (!impl_->fill(impl_->batch, deadline)) return 0;
    }
    cursor_text = batch[batch.size() - 1].cursor_text;
  } catch (const std::bad_alloc&) {
    impl_->end_without_memory();
    return 0;
  }
  if (impl_->is_closed()) return 0;
  const std::size_t count = batch.size();
  handle(batch);
  const std::lock_guard lock(impl_->mutex);
  impl_->hand_over(batch[count - 1], std::move(cursor_text));
  impl_->batch.clear();
  return count;
}

Status Subscriber::set_accounts(std::vector<AccountId> account_ids) {
  std::sort(account_ids.begin(), account_ids.end());
  account_ids.erase(std::unique(account_ids.begin(), account_ids.end()), account_ids.end());
  const std::lock_guard lock(impl_->mutex);
  Status status = impl_->subscription->set_accounts(account_ids);
  if (status) impl_->accounts = std::move(account_ids);
  return status;
}

std::string Subscriber::cursor() const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->cursor) {
    // That of the subscription is behind what was read, which nobody may have seen.
    return impl_->is_read_ahead ? impl_->opening_cursor : impl_->subscription->cursor();
  }
  return impl_->cursor_as_received.empty() ? to_text(*impl_->cursor) : impl_->cursor_as_received;
}

void Subscriber::close() noexcept {
  {
    const std::lock_guard lock(impl_->signal->mutex);
    impl_->signal->is_closed = true;
  }
  impl_->signal->changed.notify_all();
}

bool Subscriber::is_ended() const noexcept {
  if (impl_->is_closed()) return true;
  const std::lock_guard lock(impl_->mutex);
  return impl_->has_ended && impl_->batch_next >= impl_->batch.size();
}

Status Subscriber::status() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->has_no_memory) return {Code::overloaded, "no memory"};
  return impl_->has_ended ? impl_->subscription->status() : Status();
}

}  // namespace tracking
