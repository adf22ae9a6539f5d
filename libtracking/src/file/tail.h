// "The last N events that match", in a log that is indexed by position and time alone.
#pragma once

#include <atomic>
#include <cstdint>

#include "file/store.h"
#include "history/account_filter.h"

namespace tracking::file_log {

struct TailRange {
  std::uint64_t count = 0;
  std::uint64_t earliest = 0;  ///< not before it
  std::uint64_t end = 0;       ///< counted back from here
};

/// The position of the first of them: looked for backwards, block by block. If the filter wants every account, that is
/// arithmetic; if it wants rare ones it may read all of the log. Ends early, with any position, when it is cancelled.
/// An error: a read failed.
Result<std::uint64_t> tail_start(const Store& store, const history::AccountFilter& filter, const TailRange& range,
                                 const std::atomic<bool>& is_cancelled);

}  // namespace tracking::file_log
