// A subscription's way through the log, up to the events that the live history holds.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "file/scan_threads.h"
#include "file/store.h"
#include "file/tail.h"
#include "history/stored_subscription.h"

namespace tracking::file_log {

/// "The last N that match": found by the first scan that comes to it, which takes time if they are rare. Shared by the
/// scans of one subscription, of which there is one at a time.
struct Tail {
  TailRange range;
  std::mutex mutex;
  bool is_found = false;  // guarded by mutex: from then on scans begin where they are told
};

/// `tail` may be empty. `store` and `threads` outlive the scan.
std::unique_ptr<history::HistoryScan> make_log_scan(Store& store, ScanThreads& threads, std::uint64_t position,
                                                    const history::AccountFilter& filter, std::shared_ptr<Tail> tail,
                                                    Wake wake);

}  // namespace tracking::file_log
