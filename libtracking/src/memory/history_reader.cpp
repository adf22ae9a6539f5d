#include <algorithm>

#include "memory/event_history.h"

namespace tracking::memory {
namespace {

// How many chunks one read() looks through for a rare account before it lets the caller's loop breathe.
constexpr int chunks_per_read_max = 16;

}  // namespace

HistoryReader::HistoryReader(std::shared_ptr<EventHistory> history, const SubscribeOptions& options, Wake wake)
    : history_(std::move(history)),
      wake_(std::make_shared<WakeCell>(std::move(wake))),
      buffer_bytes_max_(options.buffer_bytes_max),
      filter_(options.account_ids, 0) {
  if (!options.follow) end_ = 0;  // start_at() sets it to the present
}

HistoryReader::~HistoryReader() {
  {
    const std::lock_guard lock(history_->mutex_);
    disarm();
    history_->unindex(*this);
    --history_->readers_;
  }
  wake_->cancel();
}

void HistoryReader::start_at(const StartPoint& start) {
  const std::uint64_t present = history_->next_;
  if (end_ == 0) end_ = present;
  next_ = present;
  bytes_seen_ = history_->bytes_total_;
  switch (start.kind) {
    case StartPoint::Kind::now:
      return;
    case StartPoint::Kind::unreadable_cursor:
      opening_gap_ = Gap{.reason = std::string(gap_reason::unknown_cursor)};
      return;
    case StartPoint::Kind::all:
      next_ = history_->oldest_position();
      break;
    case StartPoint::Kind::time:
      next_ = history_->first_not_before(start.time);
      if (history_->has_evicted_ && start.time <= history_->evicted_until_)
        opening_gap_ = Gap{.reason = std::string(gap_reason::expired)};
      break;
    case StartPoint::Kind::cursor:
      start_at_cursor(start.cursor);
      break;
  }
  is_catching_up_ = true;
}

void HistoryReader::start_at_cursor(const Cursor& cursor) {
  const std::uint64_t oldest = history_->oldest_position();
  const bool is_ours = cursor.incarnation == history_->incarnation_ && cursor.position < history_->next_;
  if (is_ours && cursor.position + 1 < oldest) {
    opening_gap_ = Gap{.reason = std::string(gap_reason::expired)};
    if (filter_.is_all()) opening_gap_->missed = oldest - cursor.position - 1;
    next_ = oldest;
    return;
  }
  const bool is_held = is_ours && cursor.position >= oldest;
  if (is_ours && (!is_held || cursor.id_hash == 0 || history_->cursor_at(cursor.position) == cursor)) {
    next_ = cursor.position + 1;
    return;
  }
  opening_gap_ = Gap{.reason = std::string(gap_reason::unknown_cursor)};
  next_ = history_->first_not_before(cursor.timestamp);
}

void HistoryReader::start_at_tail(std::uint64_t tail, bool is_alone) {
  const std::uint64_t earliest = is_alone ? history_->oldest_position() : next_;
  std::uint64_t position = history_->next_;
  for (std::uint64_t matched = 0; position > earliest && matched < tail; --position) {
    const auto chunk = history_->chunk_of(position - 1);
    if (filter_.matches(chunk->at(position - 1).account_id, position - 1)) ++matched;
  }
  next_ = position;
  is_catching_up_ = true;
}

void HistoryReader::disarm() {
  if (!is_armed_) return;
  is_armed_ = false;
  std::erase(history_->armed_, this);
}

ReadState HistoryReader::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept {
  out.clear();
  Budget budget{events_max, bytes_max};
  Amount taken;
  for (int chunks = 0;; ++chunks) {
    std::shared_ptr<Chunk> chunk;
    std::uint64_t end;
    {
      const std::lock_guard lock(history_->mutex_);
      disarm();
      if (!is_catching_up_) {
        pending_events_ -= std::min(pending_events_, taken.events);
        pending_bytes_ -= std::min(pending_bytes_, taken.bytes);
      }
      tell_what_was_missed(out);
      end = std::min(history_->next_, end_);
      if (next_ >= end) {
        if (next_ >= end_ || history_->is_closed_) return ReadState::ended;
        reach_the_present();
        history_->arm(*this);
        return ReadState::idle;
      }
      if (budget.events == 0 || budget.bytes == 0 || chunks == chunks_per_read_max) return ReadState::more;
      chunk = history_->chunk_of(next_);
      end = std::min(end, chunk->end_position());
    }
    taken = take(out, chunk, end, budget);
  }
}

HistoryReader::Amount HistoryReader::take(Deliveries& out, const std::shared_ptr<Chunk>& chunk, std::uint64_t end,
                                          Budget& budget) {
  Amount taken;
  std::uint64_t scanned_bytes = 0;
  for (; next_ < end && budget.events > 0 && budget.bytes > 0; ++next_) {
    const Chunk::Entry& entry = chunk->at(next_);
    scanned_bytes += entry.size;
    if (!filter_.matches(entry.account_id, next_)) continue;
    out.add({.json = chunk->line(entry),
             .account_id = entry.account_id,
             .cursor = {.incarnation = history_->incarnation_, .position = next_, .timestamp = entry.timestamp}});
    ++taken.events;
    taken.bytes += entry.size;
    --budget.events;
    budget.bytes -= std::min<std::size_t>(budget.bytes, entry.size);
  }
  bytes_seen_ += scanned_bytes;
  if (taken.events > 0) out.keep(chunk);
  return taken;
}

void HistoryReader::reach_the_present() {
  is_catching_up_ = false;
  next_ = history_->next_;
  set_pending({});
}

void HistoryReader::set_pending(const Amount& amount) {
  pending_events_ = amount.events;
  pending_bytes_ = amount.bytes;
  bytes_seen_ = history_->bytes_total_ - amount.bytes;
}

void HistoryReader::tell_what_was_missed(Deliveries& out) {
  if (opening_gap_) {
    opening_gap_->account_id = filter_.single();
    out.add_gap(std::move(*opening_gap_), history_->cursor_at(next_ - 1));
    opening_gap_.reset();
  }
  const std::uint64_t waiting_bytes =
      filter_.is_all() ? history_->bytes_total_ - std::min(bytes_seen_, history_->bytes_total_) : pending_bytes_;
  const bool is_gone = next_ < history_->oldest_position();
  const bool is_too_slow = !is_catching_up_ && waiting_bytes > buffer_bytes_max_;
  if (is_gone || is_too_slow) drop_oldest(out);
}

// Goes on with the newest events that fit the buffer; a reader of history, with the oldest that is still held.
void HistoryReader::drop_oldest(Deliveries& out) {
  const std::uint64_t oldest = history_->oldest_position();
  const std::uint64_t gone = next_ < oldest ? oldest - next_ : 0;
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
    for (; kept.bytes > buffer_bytes_max_ && kept.events > 1; ++next_) {
      const auto chunk = history_->chunk_of(next_);
      const Chunk::Entry& entry = chunk->at(next_);
      if (!filter_.matches(entry.account_id, next_)) continue;
      --kept.events;
      kept.bytes -= entry.size;
      ++*missed;
    }
  }
  set_pending(kept);
  if (missed && *missed == 0) return;
  history_->missed_ += missed.value_or(0);
  out.add_gap({.reason = std::string(gap_reason::slow_subscriber), .missed = missed, .account_id = filter_.single()},
              history_->cursor_at(next_ - 1));
}

HistoryReader::Amount HistoryReader::count_matching() const {
  Amount amount;
  for (std::uint64_t position = next_; position < history_->next_;) {
    const auto chunk = history_->chunk_of(position);
    for (; position < chunk->end_position(); ++position) {
      const Chunk::Entry& entry = chunk->at(position);
      if (!filter_.matches(entry.account_id, position)) continue;
      ++amount.events;
      amount.bytes += entry.size;
    }
  }
  return amount;
}

Status HistoryReader::set_accounts(std::span<const AccountId> account_ids) noexcept {
  const std::lock_guard lock(history_->mutex_);
  const bool was_armed = is_armed_;
  disarm();
  if (was_armed) reach_the_present();
  history_->unindex(*this);
  filter_ = filter_.changed(account_ids, history_->next_);
  history_->index(*this);
  if (!is_catching_up_) set_pending(count_matching());
  if (was_armed) history_->arm(*this);
  return {};
}

std::string HistoryReader::cursor() const {
  const std::lock_guard lock(history_->mutex_);
  // While it waits nothing before the present is missing, so the position moves on with events of other accounts too.
  return to_text(history_->cursor_at((is_armed_ ? history_->next_ : next_) - 1));
}

}  // namespace tracking::memory
