// The shortest forms that the documentation shows: each compiler must know which overload is meant.
#include <tracking/tracking.h>

#include <vector>

namespace {

[[maybe_unused]] void calls(tracking::TrackingService& service, tracking::AckLevel ack) {
  const std::vector<tracking::Event> events{{.account_id = 1, .data = "1"}};
  (void)service.track(events);
  (void)service.track(events, {.ack = ack});
  (void)service.track(events, {.ack = tracking::AckLevel::sent});
  (void)service.track({.account_id = 1, .data = "1"}, {.ack = tracking::AckLevel::sent});
  service.track(events, [](std::span<const tracking::Receipt>) {});
  service.track(events, [](std::span<const tracking::Receipt>) {}, {.stops_at_failure = true});
  service.track(events, nullptr);
}

}  // namespace
