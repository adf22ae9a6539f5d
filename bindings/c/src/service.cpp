// The writing door.
#include "service.h"

#include <algorithm>
#include <limits>
#include <string>

#include "batch.h"
#include "boundary.h"
#include "linked_backends.h"
#include "settings.h"

namespace tracking::c {
namespace {

tracking_code missing(tracking_error* error, std::string_view what) {
  return fail(error, Code::invalid_parameter, std::string(what) + " must not be NULL");
}

// A batch on its way to a completion.
struct Flight {
  Batch batch;
  tracking_completion done;
  void* user;
  std::vector<tracking_receipt> receipts;  // has its size before the batch is handed over: later nothing may fail
};

// Reads the settings, opens by `open`, and makes the handle.
template <class Open>
tracking_code open_by(const tracking_setting* settings, std::size_t settings_count, tracking_service** service,
                      tracking_error* error, Open open) {
  if (!service) return missing(error, "service");
  *service = nullptr;
  return guarded(error, [&] {
    const auto options = read_service_settings({settings, settings ? settings_count : 0});
    if (!options) return fail(error, options.error());
    auto opened = open(*options);
    if (!opened) return fail(error, opened.error());
    *service = new tracking_service{std::move(*opened)};
    return to_c(Code::ok);
  });
}

}  // namespace
}  // namespace tracking::c

using namespace tracking::c;  // NOLINT(google-build-using-namespace): what follows is the interface itself
using tracking::Code;
using tracking::TrackingService;

tracking_code tracking_service_open(const tracking_setting* settings, std::size_t settings_count,
                                    tracking_service** service, tracking_error* error) {
  return open_by(settings, settings_count, service, error, [](const tracking::ServiceOptions& options) {
    return TrackingService::open(options, linked_backends());
  });
}

tracking_code tracking_service_connect(const char* url, std::size_t url_size, const tracking_setting* settings,
                                       std::size_t settings_count, tracking_service** service, tracking_error* error) {
  return open_by(settings, settings_count, service, error, [&](const tracking::ServiceOptions& options) {
    return TrackingService::connect(view(url, url_size), linked_backends(), options);
  });
}

tracking_code tracking_service_track(tracking_service* service, const tracking_batch* batch, tracking_receipt* receipts,
                                     std::size_t receipts_max, std::size_t* receipts_count, tracking_error* error) {
  if (receipts_count) *receipts_count = 0;
  if (!service || !batch) return missing(error, service ? "batch" : "service");
  return guarded(error, [&] {
    TrackingService& door = *service->door;
    const auto data_bytes_max = door.data_bytes_max();
    const auto events_max = receipts ? receipts_max : std::numeric_limits<std::size_t>::max();
    Batch mine;
    if (auto status = mine.read(*batch, events_max, data_bytes_max); !status) return fail(error, status);
    const auto arrived = door.track(mine.events(), mine.options());
    if (receipts) mine.write(arrived, receipts);
    if (receipts_count) *receipts_count = mine.size();
    const auto failure = mine.first_failure(arrived, data_bytes_max);
    return failure ? to_c(Code::ok) : fail(error, failure);
  });
}

tracking_code tracking_service_track_async(tracking_service* service, const tracking_batch* batch,
                                           tracking_completion done, void* user, tracking_error* error) {
  if (!service || !batch || !done) return missing(error, !service ? "service" : !batch ? "batch" : "done");
  return guarded(error, [&] {
    TrackingService& door = *service->door;
    auto flight = std::make_unique<Flight>(Flight{.batch = {}, .done = done, .user = user, .receipts = {}});
    constexpr auto no_limit = std::numeric_limits<std::size_t>::max();
    if (auto status = flight->batch.read(*batch, no_limit, door.data_bytes_max()); !status) return fail(error, status);
    flight->receipts.resize(flight->batch.size());
    // The handler runs once, and it is what ends the flight.
    door.track(
        flight->batch.events(),
        [flying = flight.get()](std::span<const tracking::Receipt> arrived) {
          const std::unique_ptr<Flight> landed(flying);
          landed->batch.write(arrived, landed->receipts.data());
          landed->done(landed->user, landed->receipts.data(), landed->receipts.size());
        },
        flight->batch.options());
    static_cast<void>(flight.release());
    return to_c(Code::ok);
  });
}

tracking_code tracking_service_close(tracking_service* service, std::int64_t deadline_ms, tracking_error* error) {
  if (!service) return missing(error, "service");
  constexpr std::int64_t deadline_ms_max = 86'400'000;  // a day: for ever, without an overflow on the way
  const auto deadline = std::chrono::milliseconds(std::clamp<std::int64_t>(deadline_ms, 0, deadline_ms_max));
  return guarded(error, [&] {
    const auto status = service->door->close(deadline);
    return status ? to_c(Code::ok) : fail(error, status);
  });
}

void tracking_service_free(tracking_service* service) {
  if (!service) return;
  // Subscribers hold the door too, so its destructor may come later; it is closed now.
  service->door->close(std::chrono::seconds(10)).ignore();
  delete service;
}
