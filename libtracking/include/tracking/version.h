// The library's version; semantic versioning.
#pragma once

#include <tracking/export.h>

#include <string_view>

#define TRACKING_VERSION_MAJOR 0
#define TRACKING_VERSION_MINOR 1
#define TRACKING_VERSION_PATCH 0

namespace tracking {

/// "0.1.0" of the library that runs, which may be newer than the headers compiled against.
TRACKING_EXPORT std::string_view version() noexcept;

}  // namespace tracking
