// What the engine asks after a restart: which ids were accepted lately.
#pragma once

#include <tracking/broker.h>

#include "file/store.h"

namespace tracking::file_log {

/// How far it has come.
struct RecentProgress {
  std::uint64_t position = 0;  ///< to go on with; 0 = not begun
  bool is_incomplete = false;  ///< damaged ones were passed over
};

/// Visits the last `events_max` events, oldest first, that are not older than `since`. `progress` is new, or what a
/// call that failed, or had no memory, has left there: then it goes on where that was. An error: a read failed.
Status visit_recent(const Store& store, Timestamp since, std::size_t events_max, const RecentVisitor& visit,
                    RecentProgress& progress);

}  // namespace tracking::file_log
