// Where in the log a subscription begins.
#pragma once

#include "file/log_scan.h"
#include "file/store.h"
#include "history/event_history.h"
#include "history/stored_subscription.h"

namespace tracking::file_log {

struct FoundStart {
  /// It begins with the events to come: the live history does the rest.
  bool is_live = false;
  history::StoredStart stored;
  std::shared_ptr<Tail> tail;
};

/// Reads an index and a block of the log at most, or what the live history holds as well. An error: the options are not
/// understood, or a read failed.
Result<FoundStart> find_start(const Store& store, history::EventHistory& live, const SubscribeOptions& options);

}  // namespace tracking::file_log
