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
  std::int64_t max_timestamp_us = 0;  ///< of all events that there ever were
};

/// Looks at every segment's head and end, reads the one through that was open at a crash, and cuts off what was not
/// written whole. Damage elsewhere is logged and left as it is. An error: a format that is not ours, segments of two
/// logs, files that cannot be read or written. Nothing was changed then, except that what was cut stays so.
Result<Recovered> recover(FileSystem& files, const std::string& directory, const Log& log);

/// Writes index and trailer behind the frames, and syncs. The segment is complete if it returns well.
Io complete_segment(File& file, Segment& segment, std::uint64_t log_id);

}  // namespace tracking::file_log
