#include "file/start.h"

#include <algorithm>
#include <atomic>

#include "codec/cursor.h"
#include "file/store_reader.h"

namespace tracking::file_log {
namespace {

/// The cursor of an event; nothing if it cannot be read.
std::optional<Cursor> cursor_of_event(const Store& store, std::uint64_t position) {
  StoreReader reader(store, position);
  if (reader.next() != StoreReader::Next::frame) return std::nullopt;
  const FrameView& frame = reader.frame();
  const Record& record = frame.record(position);
  return codec::cursor_of(
      {.json = frame.line(position),
       .account_id = record.account_id,
       .cursor = {.incarnation = store.log_id(), .position = position, .timestamp = record.timestamp()}});
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
        start_at_time(point->time);
        break;
      case StartPoint::Kind::cursor:
        start_at_cursor(point->cursor);
        break;
    }
    if (options_.tail) limit_to_tail();
    if (start.cursor == Cursor{}) start.cursor = cursor_before(start.position);
    return std::move(found_);
  }

 private:
  void start_at_time(Timestamp time) {
    found_.stored.position = first_not_before(store_, time);
    const auto removed_until = store_.removed_until();
    if (removed_until && time <= *removed_until) found_.stored.gap = Gap{.reason = std::string(gap_reason::expired)};
  }

  void start_at_cursor(const Cursor& cursor) {
    history::StoredStart& start = found_.stored;
    const bool is_ours = cursor.incarnation == store_.log_id() && cursor.position < extent_.next;
    if (is_ours && cursor.position + 1 < oldest_) {
      start.gap = Gap{.reason = std::string(gap_reason::expired)};
      if (options_.account_ids.empty() && !store_.is_guessed(oldest_))
        start.gap->missed = oldest_ - cursor.position - 1;
      start.position = oldest_;
      return;
    }
    if (is_ours && means_the_same(cursor)) {
      start.position = cursor.position + 1;
      start.cursor = cursor;
      return;
    }
    start.gap = Gap{.reason = std::string(gap_reason::unknown_cursor)};
    start.position = first_not_before(store_, cursor.timestamp);
  }

  /// Whether the event that the cursor was made of still stands there. Where none can be read, it is believed.
  bool means_the_same(const Cursor& cursor) const {
    if (cursor.id_hash == 0 || cursor.position < oldest_) return true;
    const auto now = cursor_of_event(store_, cursor.position);
    return !now || *now == cursor;
  }

  void limit_to_tail() {
    history::StoredStart& start = found_.stored;
    const TailRange range{.count = *options_.tail, .earliest = start.position, .end = extent_.next};
    const bool may_take_long = !options_.account_ids.empty() && range.earliest < extent_.oldest;
    if (may_take_long) {
      found_.tail = std::make_shared<Tail>();
      found_.tail->range = range;
      return;
    }
    const std::atomic<bool> never{false};
    start.position = tail_start(store_, history::AccountFilter(options_.account_ids, 0), range, never);
    start.cursor = {};
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
