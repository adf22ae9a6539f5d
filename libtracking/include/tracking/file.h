// Component tracking::file: the durable log.
#pragma once

#include <tracking/backends.h>

namespace tracking {

/// `file:DIR`, or `file:DIR?retention=7d&max_size=10GiB` (these are the defaults; `none` = no limit). Events are on
/// stable storage before they are acknowledged as `stored`, and before any subscriber sees them. The directory is made
/// at first use, and belongs to one process at a time.
TRACKING_EXPORT Backend file();

}  // namespace tracking
