#include "memory/event_history.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace tracking::memory {
namespace {

std::uint64_t random_incarnation() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// Lines begin with {"id":"...": ours always do.
std::string_view id_of(std::string_view line) {
  constexpr std::string_view opening = R"({"id":")";
  if (!line.starts_with(opening)) return {};
  line.remove_prefix(opening.size());
  return line.substr(0, line.find('"'));
}

}  // namespace

std::shared_ptr<Chunk> ChunkPool::take(std::size_t line_bytes) {
  std::unique_ptr<Chunk> chunk;
  if (line_bytes <= Chunk::text_bytes) {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      chunk = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!chunk) {
    chunk = std::make_unique<Chunk>();
    chunk->capacity = std::max(line_bytes, Chunk::text_bytes);
    // Uninitialised on purpose: pages that no event reaches are never touched.
    chunk->text.reset(new char[chunk->capacity]);
    chunk->entries.reset(new Chunk::Entry[Chunk::entries_max]);
  }
  chunk->count = 0;
  chunk->used = 0;
  return {chunk.release(), [pool = weak_from_this()](Chunk* done) {
            std::unique_ptr<Chunk> owned(done);
            if (const auto alive = pool.lock()) alive->put(std::move(owned));
          }};
}

void ChunkPool::put(std::unique_ptr<Chunk> chunk) {
  if (chunk->capacity != Chunk::text_bytes) return;
  const std::lock_guard lock(mutex_);
  if (free_.size() < kept_max) free_.push_back(std::move(chunk));
}

AccountFilter::AccountFilter(std::span<const AccountId> account_ids, std::uint64_t from)
    : is_everything_(account_ids.empty()), all_from_(account_ids.empty() ? from : never) {
  for (const AccountId id : account_ids) from_[id] = from;
}

AccountFilter AccountFilter::changed(std::span<const AccountId> account_ids, std::uint64_t now) const {
  AccountFilter next;
  next.is_everything_ = account_ids.empty() && is_everything_;
  next.all_from_ = never;
  if (account_ids.empty()) {
    next.all_from_ = std::min(all_from_, now);
    next.from_ = from_;
  }
  for (const AccountId id : account_ids) next.from_[id] = std::min(is_everything_ ? 0 : from(id), now);
  return next;
}

EventHistory::EventHistory(std::size_t bytes_max, Clock& clock)
    : bytes_max_(bytes_max), incarnation_(random_incarnation()), clock_(clock), pool_(std::make_shared<ChunkPool>()) {}

EventHistory::~EventHistory() = default;

void EventHistory::append(const Lines& lines) {
  std::vector<std::shared_ptr<WakeCell>> woken;
  {
    const std::lock_guard lock(mutex_);
    for (const Line& line : lines) append_line(line);
    for (HistoryReader* reader : armed_) {
      reader->is_armed_ = false;
      woken_.push_back(reader->wake_);
    }
    armed_.clear();
    if (woken_.empty()) return;
    woken.swap(woken_);
  }
  for (const auto& wake : woken) wake->call();
  woken.clear();
  const std::lock_guard lock(mutex_);
  if (woken_.capacity() < woken.capacity()) woken_.swap(woken);
}

void EventHistory::append_line(const Line& line) {
  if (chunks_.empty() || chunks_.back()->count == Chunk::entries_max ||
      chunks_.back()->used + line.json.size() > chunks_.back()->capacity) {
    evict();
    auto chunk = pool_->take(line.json.size());
    chunk->first_position = next_;
    chunks_.push_back(std::move(chunk));
  }
  Chunk& chunk = *chunks_.back();
  std::memcpy(chunk.text.get() + chunk.used, line.json.data(), line.json.size());
  chunk.entries[chunk.count++] = {static_cast<std::uint32_t>(chunk.used), static_cast<std::uint32_t>(line.json.size()),
                                  line.account_id, line.timestamp};
  chunk.used += line.json.size();
  bytes_ += line.json.size();
  bytes_total_ += line.json.size();
  if (!by_account_.empty()) notify_matching(line, next_);
  ++next_;
}

void EventHistory::evict() {
  while (!chunks_.empty() && bytes_ - chunks_.front()->used >= bytes_max_) {
    const Chunk& chunk = *chunks_.front();
    bytes_ -= chunk.used;
    for (std::uint32_t i = 0; i < chunk.count; ++i)
      evicted_until_ = std::max(evicted_until_, chunk.entries[i].timestamp);
    has_evicted_ = true;
    chunks_.pop_front();
  }
}

void EventHistory::notify_matching(const Line& line, std::uint64_t position) {
  const auto found = by_account_.find(line.account_id);
  if (found == by_account_.end()) return;
  for (HistoryReader* reader : found->second) {
    if (reader->is_armed_) {
      reader->is_armed_ = false;
      reader->next_ =
          position;  // nothing before it matched: a reader of a quiet account never scans the others' events
      woken_.push_back(reader->wake_);
    }
    ++reader->pending_events_;
    reader->pending_bytes_ += line.json.size();
  }
}

std::shared_ptr<Chunk> EventHistory::chunk_of(std::uint64_t position) const {
  const auto after =
      std::upper_bound(chunks_.begin(), chunks_.end(), position,
                       [](std::uint64_t wanted, const auto& chunk) { return wanted < chunk->first_position; });
  return *std::prev(after);
}

// Timestamps of several producers interleave, so the first that is not older is searched for one by one.
std::uint64_t EventHistory::first_not_before(Timestamp time) const {
  for (const auto& chunk : chunks_) {
    for (std::uint32_t i = 0; i < chunk->count; ++i) {
      if (chunk->entries[i].timestamp >= time) return chunk->first_position + i;
    }
  }
  return next_;
}

Cursor EventHistory::cursor_at(std::uint64_t position) const {
  Cursor cursor{.incarnation = incarnation_, .position = position};
  if (position >= oldest_position() && position < next_) {
    const auto chunk = chunk_of(position);
    const Chunk::Entry& entry = chunk->at(position);
    cursor.timestamp = entry.timestamp;
    cursor.id_hash = hash_id(id_of(chunk->line(entry)));
  } else {
    cursor.timestamp = clock_.now();
  }
  return cursor;
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
  for (const auto& [id, from] : reader.filter_.accounts()) {
    const auto found = by_account_.find(id);
    std::erase(found->second, &reader);
    if (found->second.empty()) by_account_.erase(found);
  }
}

Result<std::unique_ptr<Subscription>> EventHistory::open(const SubscribeOptions& options, Wake wake,
                                                         std::shared_ptr<EventHistory> self) {
  const auto start = parse_since(options.since, clock_.now());
  if (!start) return start.error();
  const std::lock_guard lock(mutex_);
  if (is_closed_) return {Code::closed, "the broker is closed"};
  auto reader = std::make_unique<HistoryReader>(std::move(self), options, std::move(wake));
  ++readers_;
  reader->start_at(*start);
  if (options.tail) reader->start_at_tail(*options.tail, start->kind == StartPoint::Kind::now);
  index(*reader);
  return std::unique_ptr<Subscription>(std::move(reader));
}

BrokerStats EventHistory::stats() {
  const std::lock_guard lock(mutex_);
  return {.subscriptions = readers_,
          .missed_slow_subscriber = missed_,
          .history_events = next_ - oldest_position(),
          .history_bytes = bytes_};
}

void EventHistory::close() {
  std::vector<std::shared_ptr<WakeCell>> woken;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    is_closed_ = true;
    for (HistoryReader* reader : armed_) woken.push_back(reader->wake_);
    for (const auto& [id, readers] : by_account_) {
      for (HistoryReader* reader : readers) woken.push_back(reader->wake_);
    }
  }
  for (const auto& wake : woken) wake->call();
}

}  // namespace tracking::memory
