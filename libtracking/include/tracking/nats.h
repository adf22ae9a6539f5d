// Component tracking::nats: events over NATS.
#pragma once

#include <tracking/backends.h>

namespace tracking {

/// `nats://host[:port][,host...]`: core NATS, at most once. Subjects are `tracking.events.<account_id>`.
TRACKING_EXPORT Backend nats();

}  // namespace tracking
