// The reading door.
#include <tracking/subscriber.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>

#include "boundary.h"
#include "delivery_block.h"
#include "linked_backends.h"
#include "service.h"
#include "settings.h"

using namespace tracking::c;  // NOLINT(google-build-using-namespace): what follows is the interface itself
using tracking::AccountId;
using tracking::Code;
using tracking::Result;
using tracking::Subscriber;

namespace {

using Clock = std::chrono::steady_clock;

// A moment so far away that it is never reached, and that no sum overflows on the way.
constexpr std::int64_t timeout_ms_max = 1'000ll * 86'400 * 365 * 100;

Clock::time_point deadline_after(std::int64_t timeout_ms) {
  if (timeout_ms < 0 || timeout_ms > timeout_ms_max) timeout_ms = timeout_ms_max;
  return Clock::now() + std::chrono::milliseconds(timeout_ms);
}

}  // namespace

struct tracking_subscriber {
  std::shared_ptr<tracking::TrackingService> service;  // constant; null at a distance. It outlives `door`
  std::unique_ptr<Subscriber> door;                    // constant
  DeliveryBlock block = {};                            // what is handed out in slices; used by the reading thread
  std::size_t block_next = 0;
  std::mutex changes = {};  // held while the filter changes: here and in `door` in one order
  mutable std::mutex mutex = {};
  bool is_closed = false;                   // guarded by mutex
  std::vector<AccountId> account_ids = {};  // guarded by mutex, changed with `changes` held; sorted, empty = all
  std::optional<std::string> cursor = {};   // guarded by mutex; of the last delivery handed over, see note_opening()

  tracking_code next(Clock::time_point deadline, std::size_t deliveries_max, tracking_deliveries& out,
                     tracking_error* error);
  tracking::Status set_accounts(std::vector<AccountId> ids);
  std::string position() const;
  void close();

 private:
  enum class Slice : std::uint8_t { some, none, closed };
  Slice take_slice(std::size_t deliveries_max, tracking_deliveries& out);
  void note_opening();
  tracking_code end(tracking_error* error) const;

  bool was_closed() const {
    const std::lock_guard lock(mutex);
    return is_closed;
  }

  std::optional<std::string> noted_cursor() const {
    const std::lock_guard lock(mutex);
    return cursor;
  }

  // The filter may have changed since the block was filled. mutex held.
  bool is_wanted(const tracking_delivery& delivery) const {
    return (delivery.flags & TRACKING_DELIVERY_GAP) != 0 || account_ids.empty() ||
           std::binary_search(account_ids.begin(), account_ids.end(), delivery.account_id);
  }
};

tracking_code tracking_subscriber::next(Clock::time_point deadline, std::size_t deliveries_max,
                                        tracking_deliveries& out, tracking_error* error) {
  for (;;) {
    const auto slice = take_slice(deliveries_max, out);
    if (slice == Slice::some) return to_c(Code::ok);
    if (slice == Slice::closed) return end(error);
    block.clear();
    block_next = 0;
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    const auto count = door->next_batch(left, [this](const tracking::Deliveries& ready) {
      note_opening();
      block.fill(ready);
    });
    if (count > 0) continue;
    if (door->is_ended()) return end(error);
    return fail(error, Code::timed_out, "nothing came in time");
  }
}

tracking_subscriber::Slice tracking_subscriber::take_slice(std::size_t deliveries_max, tracking_deliveries& out) {
  const std::lock_guard lock(mutex);
  if (is_closed) return Slice::closed;
  while (block_next < block.size() && !is_wanted(block[block_next])) ++block_next;
  if (block_next == block.size()) return Slice::none;
  if (deliveries_max == 0) return Slice::some;
  std::size_t end = block_next;
  while (end < block.size() && end - block_next < deliveries_max && is_wanted(block[end])) ++end;
  const tracking_delivery& last = block[end - 1];
  cursor->assign(last.cursor, last.cursor_size);  // the opening was noted before the block was filled
  out = block.slice(block_next, end - block_next);
  block_next = end;
  return Slice::some;
}

// The door counts a batch as handed over when it is in the block. From then on its cursor is not ours.
void tracking_subscriber::note_opening() {
  if (cursor) return;  // written by this thread alone
  std::string opening = door->cursor();
  const std::lock_guard lock(mutex);
  cursor = std::move(opening);
}

std::string tracking_subscriber::position() const {
  if (auto noted = noted_cursor()) return *std::move(noted);
  std::string opening = door->cursor();
  // The door may have handed over a batch meanwhile, but not before the opening was noted.
  return noted_cursor().value_or(std::move(opening));
}

tracking::Status tracking_subscriber::set_accounts(std::vector<AccountId> ids) {
  std::sort(ids.begin(), ids.end());
  const std::lock_guard in_order(changes);
  if (auto status = door->set_accounts(ids); !status) return status;  // at a distance it may wait for an answer
  const std::lock_guard lock(mutex);
  account_ids = std::move(ids);
  return {};
}

void tracking_subscriber::close() {
  {
    const std::lock_guard lock(mutex);
    is_closed = true;
  }
  door->close();
}

tracking_code tracking_subscriber::end(tracking_error* error) const {
  if (!was_closed()) {
    if (const auto status = door->status(); !status) return fail(error, status);
  }
  return fail(error, Code::closed, "the subscription is closed, or at its end");
}

namespace {

tracking_code missing(tracking_error* error, std::string_view what) {
  return fail(error, Code::invalid_parameter, std::string(what) + " must not be NULL");
}

// Reads the settings, opens by `open`, and makes the handle.
template <class Open>
tracking_code subscribe(const tracking_setting* settings, std::size_t settings_count, tracking_subscriber** subscriber,
                        tracking_error* error, std::shared_ptr<tracking::TrackingService> service, Open open) {
  if (!subscriber) return missing(error, "subscriber");
  *subscriber = nullptr;
  return guarded(error, [&] {
    const auto options = read_subscribe_settings({settings, settings ? settings_count : 0});
    if (!options) return fail(error, options.error());
    Result<std::unique_ptr<Subscriber>> opened = open(*options);
    if (!opened) return fail(error, opened.error());
    *subscriber = new tracking_subscriber{
        .service = std::move(service), .door = std::move(*opened), .account_ids = options->account_ids};
    return to_c(Code::ok);
  });
}

}  // namespace

tracking_code tracking_service_subscribe(tracking_service* service, const tracking_setting* settings,
                                         std::size_t settings_count, tracking_subscriber** subscriber,
                                         tracking_error* error) {
  if (!service) return missing(error, "service");
  return subscribe(settings, settings_count, subscriber, error, service->door,
                   [&](const tracking::SubscribeOptions& options) { return service->door->subscribe(options); });
}

tracking_code tracking_subscriber_open(const char* url, std::size_t url_size, const tracking_setting* settings,
                                       std::size_t settings_count, tracking_subscriber** subscriber,
                                       tracking_error* error) {
  return subscribe(settings, settings_count, subscriber, error, nullptr,
                   [&](const tracking::SubscribeOptions& options) {
                     return Subscriber::open(view(url, url_size), options, linked_backends());
                   });
}

tracking_code tracking_subscriber_next(tracking_subscriber* subscriber, std::int64_t timeout_ms,
                                       std::size_t deliveries_max, tracking_deliveries* deliveries,
                                       tracking_error* error) {
  if (!subscriber || !deliveries) return missing(error, subscriber ? "deliveries" : "subscriber");
  *deliveries = {};
  return guarded(error,
                 [&] { return subscriber->next(deadline_after(timeout_ms), deliveries_max, *deliveries, error); });
}

tracking_code tracking_subscriber_set_accounts(tracking_subscriber* subscriber, const std::int64_t* account_ids,
                                               std::size_t count, tracking_error* error) {
  if (!subscriber) return missing(error, "subscriber");
  if (!account_ids && count > 0) return missing(error, "account_ids");
  return guarded(error, [&] {
    std::vector<AccountId> ids(account_ids, account_ids + count);
    for (const auto id : ids) {
      if (id < 1) return fail(error, Code::invalid_parameter, "account ids are integers from 1 to 9223372036854775807");
    }
    const auto status = subscriber->set_accounts(std::move(ids));
    return status ? to_c(Code::ok) : fail(error, status);
  });
}

std::size_t tracking_subscriber_cursor(const tracking_subscriber* subscriber, char* buffer, std::size_t buffer_size) {
  std::size_t size = 0;
  const auto copy = [&] {
    const std::string cursor = subscriber->position();
    size = cursor.size();
    if (buffer && size < buffer_size) std::memcpy(buffer, cursor.c_str(), size + 1);
    return to_c(Code::ok);
  };
  return subscriber && guarded(nullptr, copy) == TRACKING_OK ? size : 0;
}

void tracking_subscriber_close(tracking_subscriber* subscriber) {
  if (subscriber) subscriber->close();
}

void tracking_subscriber_free(tracking_subscriber* subscriber) {
  tracking_subscriber_close(subscriber);
  delete subscriber;
}
