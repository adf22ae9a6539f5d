// `nats://`: events over core NATS, at most once.
#pragma once

#include "nats/options.h"

#include <tracking/backends.h>

#include <memory>

namespace tracking::nats_io {

/// Connects in the background, unless the context asks only for a check.
Result<std::unique_ptr<Broker>> open_nats_broker(const BackendContext& context);

}  // namespace tracking::nats_io
