// The reading door: waits for events and hands them over.
#pragma once

#include <tracking/backends.h>
#include <tracking/subscription.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tracking {

/// One event or one gap, owned: it may outlive the subscriber and change threads.
class TRACKING_EXPORT Delivery {
 public:
  /// The event line, or `{"gap":{...}}`.
  std::string_view json() const noexcept { return json_; }
  /// The event, or nullptr for a gap.
  const EventFields* event() const noexcept { return gap_ ? nullptr : &event_; }
  /// The gap, or nullptr for an event.
  const Gap* gap() const noexcept { return gap_ ? &*gap_ : nullptr; }
  /// Where to resume after this: pass it as SubscribeOptions::since.
  std::string cursor() const;

  /// Copies what a view shows. Moving a Delivery keeps its views valid; copying is not offered.
  explicit Delivery(const DeliveryView& view);
  Delivery(Delivery&&) noexcept = default;
  Delivery& operator=(Delivery&&) noexcept = default;

 private:
  std::unique_ptr<char[]> bytes_;
  std::string_view json_;
  EventFields event_;
  std::optional<Gap> gap_;
  Cursor cursor_;
  std::string cursor_text_;
};

/// A subscription that waits. next() and for_each() are called by one thread at a time; set_accounts(), cursor() and
/// close() by any.
class TRACKING_EXPORT Subscriber {
 public:
  /// Subscribes at a distance: http://, nats://, jetstream://, whichever `backends` has. It reconnects by itself for
  /// as long as it lives, and tells what was missed as gaps.
  static Result<std::unique_ptr<Subscriber>> open(std::string_view url, const SubscribeOptions& options = {},
                                                  const Backends& backends = {});

  /// Makes a subscriber of a subscription. `open` gets the wake that the subscription must call.
  static Result<std::unique_ptr<Subscriber>> adopt(
      const std::function<Result<std::unique_ptr<Subscription>>(Wake)>& open);

  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  ~Subscriber();

  /// Waits for the next event or gap. Nothing = the subscription ended or was closed: status() says why.
  std::optional<Delivery> next();
  /// The same, for at most that long. Nothing = time-out, or the end: is_ended() tells.
  std::optional<Delivery> next(std::chrono::nanoseconds timeout);

  /// The fast form: waits up to `timeout` and calls `handle` once with all that is there (up to 1,024 deliveries),
  /// borrowed for the call. Returns how many there were; 0 = time-out or the end.
  std::size_t next_batch(std::chrono::nanoseconds timeout, const std::function<void(const Deliveries&)>& handle);

  /// Changes the filter while it runs: empty = every account. No event of an account that stays is lost or repeated.
  Status set_accounts(std::vector<AccountId> account_ids);

  /// The position after the last delivery handed over.
  std::string cursor() const;

  /// Wakes a waiting next(), which then returns nothing; so do all later calls. Idempotent.
  void close() noexcept;

  /// True once it gives nothing more.
  bool is_ended() const noexcept;
  /// Ok while it runs and after close(); else why it ended.
  Status status() const;

 private:
  struct Impl;
  explicit Subscriber(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracking
