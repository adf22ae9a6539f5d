// A process in which the Nth allocation fails.
#pragma once

#include <tracking/tracking.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace tracking::test {

/// Which allocations fail, counted over all threads from the moment that it is armed.
enum class MemoryFault : std::uint8_t {
  once,     ///< the Nth alone
  lasting,  ///< the Nth and all after it, until the scenario's end
};

/// Runs `prepare`, `scenario` and `check` again and again: within `scenario` the Nth allocation fails, N from 1 in such
/// steps until one run did not come so far. Returns the last N. The scenario must not assert anything: that allocates.
int for_each_allocation(MemoryFault fault, const std::function<void()>& prepare, const std::function<void()>& scenario,
                        const std::function<void()>& check, int step = 1);

/// In memory; accounts 1 and 3 are active, 2 is not.
inline std::unique_ptr<TrackingService> open_service() {
  return TrackingService::open({.accounts = "memory:?active=1,3&inactive=2"}).value();
}

/// How often each id was delivered, from the beginning of history.
inline std::map<std::string, int> delivered(TrackingService& service) {
  std::map<std::string, int> ids;
  const auto subscriber = service.subscribe({.since = "all", .follow = false}).value();
  while (const auto delivery = subscriber->next()) {
    if (const auto* event = delivery->event()) ++ids[std::string(event->id)];
  }
  return ids;
}

}  // namespace tracking::test
