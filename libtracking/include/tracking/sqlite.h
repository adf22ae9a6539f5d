// Component tracking::sqlite: accounts in an SQLite file.
#pragma once

#include <tracking/backends.h>

namespace tracking {

/// `sqlite:PATH`: the file is created and migrated at first use. Other processes may change it at any time; their
/// changes hold within a second. A locked file is an unavailable repository.
TRACKING_EXPORT Backend sqlite();

}  // namespace tracking
