#include "file/start.h"

#include <algorithm>
#include <atomic>

#include "codec/cursor.h"
#include "file/store_reader.h"

namespace tracking::file_log {
namespace {

/// The cursor of an event; nothing if it stands there no more, or is damaged. An error: a read failed.
Result<std::optional<Cursor>> cursor_of_event(const Store& store, std::uint64_t position) {
  StoreReader reader(store, position);
  const auto next = reader.next();
  if (next == StoreReader::Next::failed) return store.failed_read(reader.message());
  if (next != StoreReader::Next::frame) return std::optional<Cursor>();
  const FrameView& frame = reader.frame();
  const Record& record = frame.record(position);
  return std::optional(codec::cursor_of(
      {.json = frame.line(position),
       .account_id = record.account_id,
       .cursor = {.incarnation = store.log_id(), .position = position, .timestamp = record.timestamp()}}));
}

class StartFinder {
 public:
  StartFinder(const Store& store, history::EventHistory& live, const SubscribeOptions& options)
      : store_(store), options_(options), extent_(live.extent()), oldest_(store.oldest_position()) {}

  Result<FoundStart> find() {
    const auto point = parse_since(options_.since, store_.clock().now());
    if (!point) return point.error();
    const bool needs_history = options_.tail.has_value() || point->kind == StartPoint::Kind::all ||
                               point->kind == StartPoint::Kind::cursor || point->kind == StartPoint::Kind::time;
    if (!needs_history) return FoundStart{.is_live = true, .stored = {}, .tail = nullptr};
    history::StoredStart& start = found_.stored;
    start.position = extent_.next;
    if (!options_.follow) start.end = extent_.next;
    switch (point->kind) {
      case StartPoint::Kind::now:
        if (options_.tail) start.position = oldest_;
        break;
      case StartPoint::Kind::unreadable_cursor:
        start.gap = Gap{.reason = std::string(gap_reason::unknown_cursor)};
        break;
      case StartPoint::Kind::all:
        start.position = oldest_;
        break;
      case StartPoint::Kind::time:
        if (auto status = start_at_time(point->time); !status) return status;
        break;
      case StartPoint::Kind::cursor:
        if (auto status = start_at_cursor(point->cursor); !status) return status;
        break;
    }
    if (options_.tail) {
      if (auto status = limit_to_tail(); !status) return status;
    }
    if (start.cursor == Cursor{}) start.cursor = cursor_before(start.position);
    return std::move(found_);
  }

 private:
  Status start_at_time(Timestamp time) {
    const auto found = first_not_before(store_, time);
    if (!found) return found.error();
    history::StoredStart& start = found_.stored;
    start.position = found->position;
    if (found->is_after_damage) start.gap = Gap{.reason = std::string(gap_reason::corrupt)};
    // After the search: what retention took meanwhile is among it.
    const auto removed_until = store_.removed_until();
    if (removed_until && time <= *removed_until) start.gap = Gap{.reason = std::string(gap_reason::expired)};
    return {};
  }

  Status start_at_cursor(const Cursor& cursor) {
    history::StoredStart& start = found_.stored;
    const bool is_ours = cursor.incarnation == store_.log_id() && cursor.position < extent_.next;
    if (is_ours && cursor.position + 1 < oldest_) {
      start.gap = Gap{.reason = std::string(gap_reason::expired)};
      if (options_.account_ids.empty() && !store_.is_guessed(oldest_))
        start.gap->missed = oldest_ - cursor.position - 1;
      start.position = oldest_;
      return {};
    }
    if (is_ours) {
      const auto is_same = means_the_same(cursor);
      if (!is_same) return is_same.error();
      if (*is_same) {
        start.position = cursor.position + 1;
        start.cursor = cursor;
        return {};
      }
    }
    const auto found = first_not_before(store_, cursor.timestamp);
    if (!found) return found.error();
    start.gap = Gap{.reason = std::string(gap_reason::unknown_cursor)};
    start.position = found->position;
    return {};
  }

  /// Whether the event that the cursor was made of still stands there. Where damage is, it is believed.
  Result<bool> means_the_same(const Cursor& cursor) const {
    if (cursor.id_hash == 0 || cursor.position < oldest_) return true;
    const auto now = cursor_of_event(store_, cursor.position);
    if (!now) return now.error();
    return !*now || **now == cursor;
  }

  Status limit_to_tail() {
    history::StoredStart& start = found_.stored;
    const TailRange range{.count = *options_.tail, .earliest = start.position, .end = extent_.next};
    const bool may_take_long = !options_.account_ids.empty() && range.earliest < extent_.oldest;
    if (may_take_long) {
      found_.tail = std::make_shared<Tail>();
      found_.tail->range = range;
      return {};
    }
    const std::atomic<bool> never{false};
    const auto position = tail_start(store_, history::AccountFilter(options_.account_ids, 0), range, never);
    if (!position) return position.error();
    start.position = *position;
    start.cursor = {};
    return {};
  }

  Cursor cursor_before(std::uint64_t position) const {
    return {.incarnation = store_.log_id(), .position = position - 1, .timestamp = store_.clock().now()};
  }

  const Store& store_;
  const SubscribeOptions& options_;
  const history::EventHistory::Extent extent_;
  const std::uint64_t oldest_;
  FoundStart found_;
};

}  // namespace

Result<FoundStart> find_start(const Store& store, history::EventHistory& live, const SubscribeOptions& options) {
  return StartFinder(store, live, options).find();
}

}  // namespace tracking::file_log
