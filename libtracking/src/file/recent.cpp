#include "file/recent.h"

#include <algorithm>

#include "codec/cursor.h"
#include "file/store_reader.h"

namespace tracking::file_log {

Status visit_recent(const Store& store, Timestamp since, std::size_t events_max, const RecentVisitor& visit,
                    RecentProgress& progress) {
  const std::uint64_t end = store.next_position();
  std::uint64_t& position = progress.position;
  if (position == 0) {
    const auto start = first_not_before(store, since);
    if (!start) return start.error();
    progress.is_incomplete = start->is_after_damage;
    position = std::max(start->position, end - std::min<std::uint64_t>(end - 1, events_max));
  }
  StoreReader reader(store, position);
  for (;;) {
    const auto next = reader.next();
    if (next == StoreReader::Next::hole) {
      progress.is_incomplete = true;
      position = reader.position();
      continue;
    }
    if (next == StoreReader::Next::failed) return store.failed_read(reader.message());
    if (next == StoreReader::Next::end) return {};
    const FrameView& frame = reader.frame();
    for (position = std::max(position, frame.first_position()); position < frame.next_position(); ++position) {
      const Record& record = frame.record(position);
      if (record.timestamp() < since) continue;
      const std::string_view line = frame.line(position);
      const std::string_view id = codec::id_of_line(line);
      if (!id.empty())
        visit({.json = line, .account_id = record.account_id, .id = id, .timestamp = record.timestamp()});
    }
  }
}

}  // namespace tracking::file_log
