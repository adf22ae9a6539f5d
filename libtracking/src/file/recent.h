// What the engine asks after a restart: which ids were accepted lately.
#pragma once

#include <tracking/broker.h>

#include "file/store.h"

namespace tracking::file_log {

/// Visits the last `events_max` events, oldest first, that are not older than `since`. `position` is 0, or what a call
/// that had no memory has left there: then it goes on where that was.
void visit_recent(const Store& store, Timestamp since, std::size_t events_max, const RecentVisitor& visit,
                  std::uint64_t& position);

}  // namespace tracking::file_log
