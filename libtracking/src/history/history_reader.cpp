#include "history/history_reader.h"

#include <algorithm>
#include <utility>

namespace tracking::history {
namespace {

// How many chunks one read() looks through for a rare account before it lets the caller's loop breathe.
constexpr int chunks_per_read_max = 16;

}  // namespace

HistoryReader::HistoryReader(std::shared_ptr<EventHistory> history, AccountFilter filter, std::size_t buffer_bytes_max,
                             std::shared_ptr<WakeCell> wake)
    : history_(std::move(history)),
      wake_(std::move(wake)),
      buffer_bytes_max_(buffer_bytes_max),
      filter_(std::move(filter)) {}

HistoryReader::~HistoryReader() {
  {
    const std::lock_guard lock(history_->mutex_);
    disarm();
    history_->unindex(*this);
    --history_->readers_;
  }
  wake_->cancel();
}

ReadState HistoryReader::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept {
  out.clear();
  if (has_no_memory_) return ReadState::ended;
  std::uint64_t start = 0;
  try {
    return read_some(out, events_max, bytes_max, start);
  } catch (const std::bad_alloc&) {
    // It ends where it was before this call. Whoever resumes at its cursor is told what was about to be told here:
    // events, and that others went.
    out.clear();
    const std::lock_guard lock(history_->mutex_);
    disarm();
    followed_.reset();
    next_ = start;
    has_no_memory_ = true;
    return ReadState::ended;
  }
}

/// `start` is set to where it stood before anything can be read.
ReadState HistoryReader::read_some(Deliveries& out, std::size_t events_max, std::size_t bytes_max,
                                   std::uint64_t& start) {
  Budget budget{events_max, bytes_max};
  if (follow(out, budget, start)) return ReadState::more;
  Amount taken;
  for (int chunks = 0;; ++chunks) {
    Piece piece;
    {
      const std::lock_guard lock(history_->mutex_);
      if (chunks == 0) start = next_;
      if (!is_catching_up_) {
        pending_events_ -= std::min(pending_events_, taken.events);
        pending_bytes_ -= std::min(pending_bytes_, taken.bytes);
      }
      if (const auto state = find_piece(piece, out)) return *state;
      follow_from(piece);
    }
    if (budget.events == 0 || budget.bytes == 0 || chunks == chunks_per_read_max) return ReadState::more;
    taken = take(out, piece, budget);
    if (taken.events > 0 && filter_.is_all()) return ReadState::more;
  }
}

/// A reader of every account that keeps up goes along the newest chunk without the mutex: neither it nor those who
/// append ever wait for the other. False: nothing is there, or something else than events is to be seen to.
bool HistoryReader::follow(Deliveries& out, Budget& budget, std::uint64_t& start) {
  const auto chunk = followed_.lock();
  if (!chunk || chunk->is_complete.load(std::memory_order_relaxed)) return false;
  const std::uint64_t end = std::min(chunk->end_position(), end_);
  // After the end was read: what happened before an event is then seen with it.
  if (next_ >= end || changes_seen_ != history_->changes_.load(std::memory_order_acquire)) return false;
  if (chunk->bytes_between(next_, end) > buffer_bytes_max_) return false;
  start = next_;
  take(out, {.chunk = chunk, .end = end, .incarnation = followed_incarnation_}, budget);
  return true;
}

void HistoryReader::follow_from(const Piece& piece) {
  const bool is_possible = filter_.is_all() && next_mark_ == history_->end_mark();
  followed_ = is_possible ? piece.chunk : nullptr;
  changes_seen_ = history_->changes_.load(std::memory_order_relaxed);
  followed_incarnation_ = piece.incarnation;
}

/// Tells what is to be told at this point. Nothing = the piece is there to be read.
std::optional<ReadState> HistoryReader::find_piece(Piece& piece, Deliveries& out) {
  if (is_armed_) {
    disarm();
    reach_the_present();
  }
  if (generation_ != history_->generation_) start_over(out);
  tell_opening_gap(out);
  if (drop_what_is_too_much(out)) return ReadState::more;
  next_ = history_->settle(next_);
  tell_marks(out);
  std::uint64_t end = std::min(history_->next_, end_);
  if (next_ >= end) {
    if (next_ >= end_ || history_->is_closed_) return ReadState::ended;
    reach_the_present();
    followed_.reset();
    history_->arm(*this);
    return ReadState::idle;
  }
  piece.chunk = history_->chunk_from(next_);
  end = std::min(end, piece.chunk->end_position());
  if (next_mark_ < history_->end_mark())
    end = std::min(end, history_->marks_[next_mark_ - history_->first_mark_].position);
  piece.end = end;
  piece.incarnation = history_->incarnation_;
  return std::nullopt;
}

HistoryReader::Amount HistoryReader::take(Deliveries& out, const Piece& piece, Budget& budget) {
  Amount taken;
  Amount scanned;
  for (; next_ < piece.end && budget.events > 0 && budget.bytes > 0; ++next_) {
    const Chunk::Entry& entry = piece.chunk->at(next_);
    scanned.bytes += entry.size;
    scanned.events += entry.account_id != 0;
    if (!wants(entry.account_id, next_)) continue;
    out.add({.json = piece.chunk->line(entry),
             .account_id = entry.account_id,
             .cursor = {.incarnation = piece.incarnation, .position = next_, .timestamp = entry.timestamp}});
    ++taken.events;
    taken.bytes += entry.size;
    --budget.events;
    budget.bytes -= std::min<std::size_t>(budget.bytes, entry.size);
  }
  bytes_seen_ += scanned.bytes;
  events_seen_ += scanned.events;
  if (taken.events > 0) out.keep(piece.chunk);
  return taken;
}

// --- Gaps ------------------------------------------------------------------------------------------------------------

Gap HistoryReader::gap_of(std::string_view reason, std::optional<std::uint64_t> missed) const {
  return {.reason = std::string(reason), .missed = missed, .account_id = filter_.single()};
}

void HistoryReader::tell_opening_gap(Deliveries& out) {
  if (!opening_gap_) return;
  opening_gap_->account_id = filter_.single();
  out.add_gap(std::move(*opening_gap_), here());
  opening_gap_.reset();
  asked_cursor_.reset();
}

void HistoryReader::tell_marks(Deliveries& out) {
  next_mark_ = std::max(next_mark_, history_->first_mark_);
  for (; next_mark_ < history_->end_mark(); ++next_mark_) {
    const EventHistory::Mark& mark = history_->marks_[next_mark_ - history_->first_mark_];
    if (mark.position > next_) return;
    if (filter_.concerns(mark.gap.account_id)) out.add_gap(mark.gap, here());
  }
}

/// The history was restarted: nothing is known of what stood between.
void HistoryReader::start_over(Deliveries& out) {
  generation_ = history_->generation_;
  history_->unindex(*this);
  filter_ = filter_.restarted();
  not_before_ = 0;
  history_->index(*this);
  next_ = history_->oldest_position();
  next_mark_ = history_->mark_from(next_);
  set_pending(count_matching());
  is_catching_up_ = false;
  opening_gap_.reset();
  asked_cursor_.reset();
  if (end_ != UINT64_MAX) end_ = next_;  // the history that was asked for is gone
  out.add_gap(gap_of(gap_reason::unknown_cursor), here());
}

/// True: what it should read next is to be had elsewhere.
bool HistoryReader::drop_what_is_too_much(Deliveries& out) {
  const std::uint64_t waiting_bytes =
      filter_.is_all() ? history_->bytes_total_ - std::min(bytes_seen_, history_->bytes_total_) : pending_bytes_;
  const bool is_gone = next_ < history_->oldest_position();
  const bool is_too_slow = !is_catching_up_ && waiting_bytes > buffer_bytes_max_;
  if (is_gone && has_store_ && !is_too_slow) {
    fell_behind_ = next_;
    return true;
  }
  if (is_gone || is_too_slow) drop_oldest(out);
  return false;
}

// Goes on with the newest events that fit the buffer; a reader of history, with the oldest that is still held.
void HistoryReader::drop_oldest(Deliveries& out) {
  const std::uint64_t oldest = history_->oldest_position();
  const std::uint64_t events_before = history_->events_before_oldest();
  const std::uint64_t gone = next_ < oldest ? events_before - std::min(events_seen_, events_before) : 0;
  std::optional<std::uint64_t> missed = gone;
  next_ = std::max(next_, oldest);
  Amount kept = count_matching();
  if (!filter_.is_all()) {
    if (is_catching_up_) {
      if (gone > 0) missed = std::nullopt;  // the events that went are not there to be counted
    } else {
      missed = pending_events_ - std::min(pending_events_, kept.events);
    }
  }
  if (!is_catching_up_) {
    const Amount still_kept = skip_oldest_of(kept);
    *missed += kept.events - still_kept.events;
    kept = still_kept;
  }
  if (std::exchange(is_uncounted_, false)) missed = std::nullopt;
  set_pending(kept);
  if (missed && *missed == 0) return;
  history_->missed_ += missed.value_or(0);
  out.add_gap(gap_of(gap_reason::slow_subscriber, missed), here());
}

/// Moves on until what is kept fits the buffer.
HistoryReader::Amount HistoryReader::skip_oldest_of(Amount kept) {
  while (kept.bytes > buffer_bytes_max_ && kept.events > 1) {
    next_ = history_->settle(next_);
    const auto chunk = history_->chunk_from(next_);
    for (; next_ < chunk->end_position() && kept.bytes > buffer_bytes_max_ && kept.events > 1; ++next_) {
      const Chunk::Entry& entry = chunk->at(next_);
      if (!wants(entry.account_id, next_)) continue;
      --kept.events;
      kept.bytes -= entry.size;
    }
  }
  return kept;
}

HistoryReader::Amount HistoryReader::count_matching() const {
  Amount amount;
  for (std::uint64_t position = next_; const auto chunk = history_->chunk_from(position);) {
    position = std::max(position, chunk->first_position);
    for (; position < chunk->end_position(); ++position) {
      const Chunk::Entry& entry = chunk->at(position);
      if (!wants(entry.account_id, position)) continue;
      ++amount.events;
      amount.bytes += entry.size;
    }
  }
  return amount;
}

void HistoryReader::set_pending(const Amount& amount) {
  pending_events_ = amount.events;
  pending_bytes_ = amount.bytes;
  bytes_seen_ = history_->bytes_total_ - amount.bytes;
  // What is counted for a filter says nothing of the others' events, which it passes by, too.
  events_seen_ = filter_.is_all() ? history_->events_total_ - amount.events : history_->events_before(next_);
}

// --- Position --------------------------------------------------------------------------------------------------------

void HistoryReader::reach_the_present() {
  is_catching_up_ = false;
  next_ = history_->next_;
  set_pending({});
}

void HistoryReader::disarm() {
  if (!is_armed_) return;
  is_armed_ = false;
  std::erase(history_->armed_, this);
}

Status HistoryReader::set_accounts(std::span<const AccountId> account_ids) noexcept {
  const std::lock_guard lock(history_->mutex_);
  try {
    AccountFilter changed = filter_.changed(account_ids, history_->next_);
    history_->reindex(*this, changed);
    filter_ = std::move(changed);
  } catch (const std::bad_alloc&) {
    return {Code::overloaded, "no memory"};  // and nothing has changed
  }
  const bool was_armed = is_armed_;
  disarm();
  followed_.reset();
  if (was_armed) reach_the_present();
  // What has gone already matched the filter as it was: nobody can count it by the new one.
  is_uncounted_ = is_uncounted_ || next_ < history_->oldest_position();
  if (!is_catching_up_) set_pending(count_matching());
  if (was_armed) history_->arm(*this);
  return {};
}

Status HistoryReader::status() const { return has_no_memory_ ? Status(Code::overloaded, "no memory") : Status(); }

std::string HistoryReader::cursor() const {
  const std::lock_guard lock(history_->mutex_);
  if (asked_cursor_) return to_text(*asked_cursor_);
  // While it waits nothing before the present is missing, so the position moves on with events of other accounts too.
  return to_text(history_->cursor_at(std::max(is_armed_ ? history_->next_ : next_, not_before_) - 1));
}

}  // namespace tracking::history
