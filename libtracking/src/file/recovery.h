// What is done with a log's directory when it is opened.
#pragma once

#include <tracking/backends.h>

#include <memory>
#include <string>
#include <vector>

#include "file/segment.h"

namespace tracking::file_log {

struct Recovered {
  std::uint64_t log_id = 0;
  std::vector<std::shared_ptr<Segment>> segments;  ///< oldest first
  bool is_last_open = false;                       ///< the last one can be written to further
  std::uint64_t next_position = 1;
  std::int64_t max_timestamp_us = 0;  ///< of all events that there ever were, or later
  /// The latest timestamp of events that retention removed, or later; INT64_MIN if it removed none.
  std::int64_t removed_until_us = INT64_MIN;
  /// Positions before which an unknown number was never given, because what was there could not be read. Ascending.
  std::vector<std::uint64_t> guessed_positions;
};

/// Looks at every segment's head and end, reads the one through that was open at a crash, and cuts off what was not
/// written whole. Damage elsewhere is logged and left as it is; where it hides how many events there were, the log goes
/// on beyond any number that there can have been, so that a position never means two events. `now` is the latest that
/// such events can be of. An error: a format that is not ours, segments of two logs, files that cannot be read or
/// written. Nothing was changed then, except that what was cut stays so.
Result<Recovered> recover(FileSystem& files, const std::string& directory, Timestamp now, const Log& log);

}  // namespace tracking::file_log
