// The reading door.
#include <tracking/subscriber.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

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
  std::atomic<bool> is_closed = false;
  mutable std::mutex mutex = {};
  std::vector<AccountId> account_ids = {};  // guarded by mutex; sorted, empty = all
  std::string cursor = {};                  // guarded by mutex; of the last delivery handed over, empty before it

  tracking_code next(Clock::time_point deadline, std::size_t deliveries_max, tracking_deliveries& out,
                     tracking_error* error);

 private:
  bool take_slice(std::size_t deliveries_max, tracking_deliveries& out);
  tracking_code end(tracking_error* error) const;

  // The filter may have changed since the block was filled. mutex held.
  bool is_wanted(const tracking_delivery& delivery) const {
    return (delivery.flags & TRACKING_DELIVERY_GAP) != 0 || account_ids.empty() ||
           std::binary_search(account_ids.begin(), account_ids.end(), delivery.account_id);
  }
};

tracking_code tracking_subscriber::next(Clock::time_point deadline, std::size_t deliveries_max,
                                        tracking_deliveries& out, tracking_error* error) {
  for (;;) {
    if (is_closed) return end(error);
    if (take_slice(deliveries_max, out)) return to_c(Code::ok);
    block.clear();
    block_next = 0;
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    const auto count = door->next_batch(left, [this](const tracking::Deliveries& ready) { block.fill(ready); });
    if (count > 0) continue;
    if (door->is_ended()) return end(error);
    return fail(error, Code::timed_out, "nothing came in time");
  }
}

bool tracking_subscriber::take_slice(std::size_t deliveries_max, tracking_deliveries& out) {
  const std::lock_guard lock(mutex);
  while (block_next < block.size() && !is_wanted(block[block_next])) ++block_next;
  std::size_t end = block_next;
  while (end < block.size() && end - block_next < deliveries_max && is_wanted(block[end])) ++end;
  if (end == block_next) return false;
  const tracking_delivery& last = block[end - 1];
  cursor.assign(last.cursor, last.cursor_size);
  out = block.slice(block_next, end - block_next);
  block_next = end;
  return true;
}

tracking_code tracking_subscriber::end(tracking_error* error) const {
  if (const auto status = door->status(); !status) return fail(error, status);
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
  if (deliveries_max == 0) return fail(error, Code::invalid_parameter, "deliveries_max must be at least 1");
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
    std::sort(ids.begin(), ids.end());
    if (auto status = subscriber->door->set_accounts(ids); !status) return fail(error, status);
    const std::lock_guard lock(subscriber->mutex);
    subscriber->account_ids = std::move(ids);
    return to_c(Code::ok);
  });
}

std::size_t tracking_subscriber_cursor(const tracking_subscriber* subscriber, char* buffer, std::size_t buffer_size) {
  std::size_t size = 0;
  const auto copy = [&] {
    const std::lock_guard lock(subscriber->mutex);
    const std::string cursor = subscriber->cursor.empty() ? subscriber->door->cursor() : subscriber->cursor;
    size = cursor.size();
    if (buffer && size < buffer_size) std::memcpy(buffer, cursor.c_str(), size + 1);
    return to_c(Code::ok);
  };
  return subscriber && guarded(nullptr, copy) == TRACKING_OK ? size : 0;
}

void tracking_subscriber_close(tracking_subscriber* subscriber) {
  if (!subscriber) return;
  subscriber->is_closed = true;
  subscriber->door->close();
}

void tracking_subscriber_free(tracking_subscriber* subscriber) {
  tracking_subscriber_close(subscriber);
  delete subscriber;
}
