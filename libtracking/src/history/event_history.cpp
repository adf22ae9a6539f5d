#include "history/event_history.h"

#include <algorithm>
#include <random>

#include "codec/cursor.h"
#include "codec/no_memory.h"
#include "history/history_reader.h"
#include "history/stream_copy.h"

namespace tracking::history {
namespace {

// More gaps than that at once are told as one.
constexpr std::size_t marks_max = 1'024;

// A hole up to this wide takes entries of a chunk; a wider one begins a new chunk.
constexpr std::uint64_t hole_entries_max = 512;

/// Lines that one copy puts into a chunk.
struct Run {
  std::size_t count = 0;
  std::size_t bytes = 0;
};

/// The line at `first`, which fits the chunk, and those behind it that fit, too, and stand one behind the other in
/// memory already, as a lane's do.
Run run_from(const Lines& lines, std::size_t first, const Chunk& chunk) noexcept {
  const char* const text = lines[first].json.data();
  const std::size_t count_max = std::min(lines.size() - first, Chunk::entries_max - chunk.written);
  const std::size_t bytes_max = chunk.capacity - chunk.used;
  Run run{.count = 1, .bytes = lines[first].json.size()};
  for (; run.count < count_max; ++run.count) {
    const std::string_view next = lines[first + run.count].json;
    if (next.data() != text + run.bytes || run.bytes + next.size() > bytes_max) break;
    run.bytes += next.size();
  }
  return run;
}

}  // namespace

std::uint64_t random_incarnation() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

EventHistory::EventHistory(const HistorySettings& settings, Clock& clock)
    : bytes_max_(settings.bytes_max),
      chunks_max_(2 * settings.bytes_max / Chunk::text_bytes + 4),
      is_resumable_(settings.is_resumable),
      clock_(clock),
      pool_(std::make_shared<ChunkPool>()),
      incarnation_(settings.incarnation),
      next_(settings.next_position) {}

EventHistory::~EventHistory() = default;

// --- Writing ---------------------------------------------------------------------------------------------------------

EventHistory::Prepared EventHistory::prepare(const Lines& lines) noexcept {
  Prepared prepared;
  if (lines.size() == 0) return prepared;
  const std::lock_guard lock(mutex_);
  has_memory_for([&] {
    Chunk& chunk = writable_chunk(lines[0].json.size());
    const Run run = run_from(lines, 0, chunk);
    stream_copy(chunk.text.get() + chunk.used, lines[0].json.data(), run.bytes);
    prepared.number_ = ++prepared_;
    prepared.chunk_ = chunks_.back();
    prepared.begin_ = chunk.used;
    prepared.bytes_ = run.bytes;
  });
  return prepared;
}

std::size_t EventHistory::append(const Lines& lines) noexcept { return append(lines, {}); }

std::size_t EventHistory::append(const Lines& lines, const Prepared& prepared) noexcept {
  WakeCell::List woken;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    try {
      while (count < lines.size()) count += append_some(lines, count, prepared, woken);
    } catch (const std::bad_alloc&) {
      // The others are refused.
    }
    show();
    if (count > 0) collect_armed(woken);
  }
  woken.call_all();
  return count;
}

void EventHistory::append_all(const Lines& lines) noexcept { append_all(lines, {}); }

void EventHistory::append_all(const Lines& lines, const Prepared& prepared) noexcept {
  const std::size_t missing = lines.size() - append(lines, prepared);
  if (missing == 0) return;
  const Extent now = extent();
  restart(now.incarnation, now.next + missing);
}

void EventHistory::append_at(std::uint64_t position, const Line& line) {
  WakeCell::List woken;
  {
    const std::lock_guard lock(mutex_);
    if (position < next_) return;
    leave_hole(position);
    append_some(Lines({&line, 1}, AckLevel::sent), 0, {}, woken);
    show();
    collect_armed(woken);
  }
  woken.call_all();
}

void EventHistory::skip_to(std::uint64_t position) noexcept {
  const std::lock_guard lock(mutex_);
  leave_hole(position);
  show();
}

void EventHistory::append_gap(Gap gap) noexcept {
  WakeCell::List woken;
  {
    const std::lock_guard lock(mutex_);
    if (has_memory_for([&] { add_mark(std::move(gap)); })) {
      disarm_all(woken);
    } else {
      begin_anew(incarnation_, next_, woken);
    }
  }
  woken.call_all();
}

void EventHistory::restart(std::uint64_t incarnation, std::uint64_t next_position) noexcept {
  WakeCell::List woken;
  {
    const std::lock_guard lock(mutex_);
    begin_anew(incarnation, next_position, woken);
  }
  woken.call_all();
}

void EventHistory::begin_anew(std::uint64_t incarnation, std::uint64_t next_position, WakeCell::List& woken) noexcept {
  incarnation_ = incarnation;
  ++generation_;
  note_change();
  first_mark_ = end_mark();
  marks_.clear();
  chunks_.clear();
  bytes_ = 0;
  has_evicted_ = false;
  next_ = next_position;
  disarm_all(woken);
}

void EventHistory::close() {
  WakeCell::List woken;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    is_closed_ = true;
    note_change();
    disarm_all(woken);
  }
  woken.call_all();
}

/// Appends the line at `first`, and those behind it that go by the same copy. Returns how many.
std::size_t EventHistory::append_some(const Lines& lines, std::size_t first, const Prepared& prepared,
                                      WakeCell::List& woken) {
  Chunk& chunk = writable_chunk(lines[first].json.size());
  const Run run = run_from(lines, first, chunk);
  const bool is_latest = prepared.number_ != 0 && prepared.number_ == prepared_ && prepared.chunk_.get() == &chunk;
  const bool stands_there = first == 0 && is_latest && prepared.begin_ == chunk.used && run.bytes <= prepared.bytes_;
  if (!stands_there) stream_copy(chunk.text.get() + chunk.used, lines[first].json.data(), run.bytes);
  chunk.add({&lines[first], run.count});
  for (std::size_t i = first; !by_account_.empty() && i < first + run.count; ++i)
    notify_matching(lines[i], next_ + i - first, woken);
  if (run.bytes < stream_bytes_min) chunk.prefetch_next();
  bytes_ += run.bytes;
  bytes_total_ += run.bytes;
  events_total_ += run.count;
  next_ += run.count;
  return run.count;
}

void EventHistory::show() noexcept {
  if (!chunks_.empty()) chunks_.back()->show();
}

Chunk& EventHistory::writable_chunk(std::size_t line_bytes) {
  if (chunks_.empty() || begins_new_chunk_ || !chunks_.back()->has_room(1, line_bytes)) {
    show();
    evict();
    auto chunk = pool_->take(line_bytes);
    chunk->first_position = next_;
    chunk->events_before = events_total_;
    chunks_.push_back(std::move(chunk));
    if (chunks_.size() > 1) chunks_[chunks_.size() - 2]->is_complete.store(true, std::memory_order_relaxed);
    begins_new_chunk_ = false;
  }
  return *chunks_.back();
}

void EventHistory::leave_hole(std::uint64_t position) {
  if (position <= next_) return;
  const std::uint64_t width = position - next_;
  if (!chunks_.empty() && !begins_new_chunk_ && width <= hole_entries_max &&
      chunks_.back()->written + width <= Chunk::entries_max) {
    Chunk& chunk = *chunks_.back();
    for (std::uint64_t i = 0; i < width; ++i) chunk.add_hole();
  } else {
    begins_new_chunk_ = !chunks_.empty();
  }
  next_ = position;
}

void EventHistory::evict() {
  while (!chunks_.empty() && (bytes_ - chunks_.front()->used >= bytes_max_ || chunks_.size() >= chunks_max_)) {
    const Chunk& chunk = *chunks_.front();
    bytes_ -= chunk.used;
    evicted_until_ = std::max(evicted_until_, chunk.newest);
    has_evicted_ = true;
    chunks_.pop_front();
  }
}

void EventHistory::add_mark(Gap gap) {
  marks_.push_back({next_, std::move(gap)});
  note_change();
  if (marks_.size() <= marks_max) return;
  // The two oldest become one, which is no account's in particular.
  Gap& merged = marks_[1].gap;
  const Gap& oldest = marks_[0].gap;
  merged.missed = merged.missed && oldest.missed ? std::optional(*merged.missed + *oldest.missed) : std::nullopt;
  if (merged.account_id != oldest.account_id) merged.account_id = std::nullopt;
  marks_.pop_front();
  ++first_mark_;
}

// --- Waking ----------------------------------------------------------------------------------------------------------

void EventHistory::notify_matching(const Line& line, std::uint64_t position, WakeCell::List& woken) noexcept {
  const auto found = by_account_.find(line.account_id);
  if (found == by_account_.end()) return;
  for (HistoryReader* reader : found->second) {
    if (position < reader->not_before_) continue;
    if (reader->is_armed_) {
      reader->is_armed_ = false;
      reader->next_ =
          position;  // nothing before it matched: a reader of a quiet account never scans the others' events
      woken.add(reader->wake_);
    }
    ++reader->pending_events_;
    reader->pending_bytes_ += line.json.size();
  }
}

void EventHistory::collect_armed(WakeCell::List& woken) noexcept {
  for (HistoryReader* reader : armed_) {
    reader->is_armed_ = false;
    woken.add(reader->wake_);
  }
  armed_.clear();
}

void EventHistory::disarm_all(WakeCell::List& woken) noexcept {
  collect_armed(woken);
  for (const auto& [id, readers] : by_account_) {
    for (HistoryReader* reader : readers) {
      if (!reader->is_armed_) continue;
      reader->is_armed_ = false;
      reader->next_ = next_;  // nothing before it matched
      woken.add(reader->wake_);
    }
  }
}

void EventHistory::arm(HistoryReader& reader) {
  reader.is_armed_ = true;
  if (reader.filter_.is_all()) armed_.push_back(&reader);
}

void EventHistory::index(HistoryReader& reader) {
  if (reader.filter_.is_all()) return;
  for (const auto& [id, from] : reader.filter_.accounts()) by_account_[id].push_back(&reader);
}

void EventHistory::unindex(HistoryReader& reader) {
  if (reader.filter_.is_all()) return;
  for (const auto& [id, from] : reader.filter_.accounts()) unindex(reader, id);
}

void EventHistory::unindex(HistoryReader& reader, AccountId id) {
  const auto found = by_account_.find(id);
  if (found == by_account_.end()) return;  // there was no memory to put it in
  std::erase(found->second, &reader);
  if (found->second.empty()) by_account_.erase(found);
}

void EventHistory::reindex(HistoryReader& reader, const AccountFilter& changed) {
  make_room_for(changed);
  const AccountFilter& before = reader.filter_;
  const auto lists = [](const AccountFilter& filter, AccountId id) {
    return !filter.is_all() && filter.accounts().contains(id);
  };
  for (const auto& [id, from] : before.accounts()) {
    if (lists(before, id) && !lists(changed, id)) unindex(reader, id);
  }
  for (const auto& [id, from] : changed.accounts()) {
    if (lists(changed, id) && !lists(before, id)) by_account_.find(id)->second.push_back(&reader);
  }
}

void EventHistory::make_room_for(const AccountFilter& filter) {
  if (filter.is_all()) return;
  try {
    for (const auto& [id, from] : filter.accounts()) {
      auto& readers = by_account_[id];
      if (readers.size() == readers.capacity()) readers.reserve(2 * readers.size() + 1);
    }
  } catch (const std::bad_alloc&) {
    std::erase_if(by_account_, [](const auto& list) { return list.second.empty(); });
    throw;
  }
}

// --- Finding ---------------------------------------------------------------------------------------------------------

std::shared_ptr<Chunk> EventHistory::chunk_from(std::uint64_t position) const {
  auto found = std::upper_bound(chunks_.begin(), chunks_.end(), position,
                                [](std::uint64_t wanted, const auto& chunk) { return wanted < chunk->end_position(); });
  return found == chunks_.end() ? nullptr : *found;
}

std::uint64_t EventHistory::events_before(std::uint64_t position) const {
  const auto chunk = chunk_from(position);
  if (!chunk) return events_total_;
  std::uint64_t events = chunk->events_before;
  for (std::uint64_t i = chunk->first_position; i < position; ++i) events += chunk->at(i).account_id != 0;
  return events;
}

std::uint64_t EventHistory::settle(std::uint64_t position) const {
  const auto chunk = chunk_from(position);
  return chunk ? std::max(position, chunk->first_position) : std::max(position, next_);
}

// Timestamps of several producers interleave, so the first that is not older is searched for one by one.
std::uint64_t EventHistory::first_not_before(Timestamp time) const {
  for (const auto& chunk : chunks_) {
    for (std::uint32_t i = 0; i < chunk->count; ++i) {
      if (chunk->entries[i].timestamp >= time && chunk->entries[i].account_id != 0) return chunk->first_position + i;
    }
  }
  return next_;
}

Cursor EventHistory::cursor_at(std::uint64_t position) const {
  Cursor cursor{.incarnation = incarnation_, .position = position};
  const auto chunk = chunk_from(position);
  if (chunk && position >= chunk->first_position && chunk->at(position).account_id != 0) {
    const Chunk::Entry& entry = chunk->at(position);
    return codec::cursor_of(
        {.json = chunk->line(entry),
         .account_id = entry.account_id,
         .cursor = {.incarnation = incarnation_, .position = position, .timestamp = entry.timestamp}});
  }
  cursor.timestamp = clock_.now();
  return cursor;
}

std::uint64_t EventHistory::mark_from(std::uint64_t position) const {
  const auto found = std::lower_bound(marks_.begin(), marks_.end(), position,
                                      [](const Mark& mark, std::uint64_t wanted) { return mark.position < wanted; });
  return first_mark_ + static_cast<std::uint64_t>(found - marks_.begin());
}

// --- Reading ---------------------------------------------------------------------------------------------------------

std::uint64_t EventHistory::find_time(Timestamp time) {
  const std::lock_guard lock(mutex_);
  return first_not_before(time);
}

Result<std::unique_ptr<Subscription>> EventHistory::open(const SubscribeOptions& options, Wake wake,
                                                         std::shared_ptr<EventHistory> self) {
  const auto start = parse_since(options.since, clock_.now());
  if (!start) return start.error();
  auto cell = std::make_shared<WakeCell>(std::move(wake));
  // Should there be no memory for the rest, the reader goes when the mutex is free again.
  std::unique_ptr<HistoryReader> reader;
  const std::lock_guard lock(mutex_);
  if (is_closed_) return {Code::closed, "the broker is closed"};
  make_room_for_reader();
  reader = std::make_unique<HistoryReader>(std::move(self), AccountFilter(options.account_ids, 0),
                                           options.buffer_bytes_max, std::move(cell));
  ++readers_;
  reader->start(*start, options);
  index(*reader);
  return std::unique_ptr<Subscription>(std::move(reader));
}

// So that arming it needs no memory.
void EventHistory::make_room_for_reader() {
  if (armed_.capacity() <= readers_) armed_.reserve(2 * readers_ + 8);
}

std::unique_ptr<HistoryReader> EventHistory::open_at(const Start& start, std::shared_ptr<WakeCell> wake,
                                                     std::shared_ptr<EventHistory> self) {
  std::unique_ptr<HistoryReader> reader;  // outlives the lock, as in open()
  const std::lock_guard lock(mutex_);
  if (start.position < oldest_position()) return nullptr;
  make_room_for_reader();
  reader = std::make_unique<HistoryReader>(std::move(self), start.filter, start.buffer_bytes_max, std::move(wake));
  ++readers_;
  reader->start_at_position(start);
  index(*reader);
  return reader;
}

EventHistory::Extent EventHistory::extent() {
  const std::lock_guard lock(mutex_);
  return {.incarnation = incarnation_, .generation = generation_, .oldest = oldest_position(), .next = next_};
}

BrokerStats EventHistory::stats() {
  const std::lock_guard lock(mutex_);
  return {.subscriptions = readers_,
          .missed_slow_subscriber = missed_,
          .history_events = events_total_ - events_before_oldest(),
          .history_bytes = bytes_};
}

}  // namespace tracking::history
