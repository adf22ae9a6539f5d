// Why an event was not accepted, in words.
#pragma once

#include <tracking/event.h>

#include <cstddef>
#include <string>

namespace tracking::engine {

/// "account 2 is not active". `data_bytes_max` is the service's limit.
TRACKING_EXPORT std::string describe(const Event& event, Code code, std::size_t data_bytes_max);

}  // namespace tracking::engine
