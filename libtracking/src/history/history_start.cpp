// Where a reader of a history starts.
#include <algorithm>

#include "history/history_reader.h"

namespace tracking::history {

// All of these: history_->mutex_ held.

void HistoryReader::start(const StartPoint& point, const SubscribeOptions& options) {
  generation_ = history_->generation_;
  if (!options.follow) end_ = history_->next_;
  reach_the_present();
  next_mark_ = history_->end_mark();
  const bool is_now = point.kind == StartPoint::Kind::now;
  if (point.kind == StartPoint::Kind::unreadable_cursor) {
    opening_gap_ = gap_of(gap_reason::unknown_cursor);
  } else if (!history_->is_resumable_) {
    const bool is_present = point.kind == StartPoint::Kind::cursor &&
                            point.cursor.incarnation == history_->incarnation_ &&
                            point.cursor.position + 1 == history_->next_;
    const bool is_past = (!is_now && !is_present) || options.tail.value_or(0) > 0;
    if (is_past) opening_gap_ = gap_of(gap_reason::expired);
    return;
  } else if (!is_now) {
    start_in_the_past(point);
  }
  if (options.tail) start_at_tail(*options.tail, is_now);
  if (is_catching_up_) next_mark_ = history_->mark_from(next_);
}

void HistoryReader::start_in_the_past(const StartPoint& point) {
  is_catching_up_ = true;
  if (point.kind == StartPoint::Kind::all) {
    next_ = history_->oldest_position();
  } else if (point.kind == StartPoint::Kind::time) {
    next_ = history_->first_not_before(point.time);
    if (history_->has_evicted_ && point.time <= history_->evicted_until_) opening_gap_ = gap_of(gap_reason::expired);
  } else {
    start_at_cursor(point.cursor);
  }
  events_seen_ = history_->events_before(next_);
}

void HistoryReader::start_at_cursor(const Cursor& cursor) {
  const std::uint64_t oldest = history_->oldest_position();
  const bool is_ours = cursor.incarnation == history_->incarnation_ && cursor.position < history_->next_;
  if (is_ours && cursor.position + 1 < oldest) {
    opening_gap_ = gap_of(gap_reason::expired);
    if (filter_.is_all()) opening_gap_->missed = oldest - cursor.position - 1;
    asked_cursor_ = cursor;
    next_ = oldest;
    return;
  }
  const bool is_held = is_ours && cursor.position >= oldest;
  if (is_ours && (!is_held || cursor.id_hash == 0 || history_->cursor_at(cursor.position) == cursor)) {
    next_ = cursor.position + 1;
    return;
  }
  opening_gap_ = gap_of(gap_reason::unknown_cursor);
  asked_cursor_ = cursor;
  next_ = history_->first_not_before(cursor.timestamp);
}

void HistoryReader::start_at_tail(std::uint64_t tail, bool is_alone) {
  const std::uint64_t earliest = is_alone ? history_->oldest_position() : next_;
  std::uint64_t position = history_->next_;
  std::uint64_t matched = 0;
  for (auto chunk = history_->chunks_.rbegin(); chunk != history_->chunks_.rend() && matched < tail; ++chunk) {
    position = std::min(position, (*chunk)->end_position());
    for (; position > std::max(earliest, (*chunk)->first_position) && matched < tail; --position)
      matched += wants((*chunk)->at(position - 1).account_id, position - 1);
    if (position <= earliest) break;
  }
  next_ = matched < tail ? std::min(earliest, history_->next_) : position;
  is_catching_up_ = true;
  events_seen_ = history_->events_before(next_);
}

void HistoryReader::start_at_position(const EventHistory::Start& start) {
  has_store_ = true;
  generation_ = history_->generation_;
  end_ = start.end;
  not_before_ = start.position;
  next_ = std::min(start.position, history_->next_);
  // A reader that starts at the present, or later, has nothing to catch up with.
  is_catching_up_ = start.is_catching_up && start.position < history_->next_;
  next_mark_ = history_->mark_from(next_);
  if (is_catching_up_) {
    events_seen_ = history_->events_before(next_);
  } else {
    set_pending(count_matching());
  }
}

}  // namespace tracking::history
