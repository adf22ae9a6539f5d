#include "file/log_scan.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "file/store_reader.h"

namespace tracking::file_log {
namespace {

using history::AccountFilter;
using history::WakeCell;

// One piece that is read at a time. Two are held: one is delivered while the next is read.
constexpr std::size_t piece_bytes = 256 << 10;
// So much is looked through for a rare account before the others have their turn.
constexpr std::size_t looked_through_bytes_max = 8 << 20;
constexpr std::size_t pieces_ahead = 2;

/// Of a piece: a frame in which something matches, or a hole; `next` is where one stands behind it.
struct Item {
  FrameView frame;
  std::optional<StoreReader::Hole> hole = std::nullopt;
  std::uint64_t next = 0;
};

struct Piece {
  std::vector<Item> items;
  std::size_t delivered = 0;  ///< so many of its items were
  std::size_t bytes = 0;
  std::uint64_t next = 0;  ///< where one stands behind it
  bool is_end = false;     ///< of what there was
};

/// What the scan and the threads share.
class State final : public ReadAhead, public std::enable_shared_from_this<State> {
 public:
  State(Store& store, ScanThreads& threads, std::uint64_t position, AccountFilter filter, std::shared_ptr<Tail> tail,
        Wake wake)
      : store_(store),
        threads_(threads),
        filter_(std::move(filter)),
        tail_(std::move(tail)),
        wake_(std::move(wake)),
        position_(position) {
    pieces_.reserve(pieces_ahead);
  }
  ~State() override { threads_.released(this, held_bytes()); }

  std::size_t fill() noexcept override;
  void fail() noexcept override;
  void announce() noexcept override;
  void drop() noexcept override;

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept;
  void cancel() {
    is_cancelled_ = true;
    wake_.cancel();
  }
  std::uint64_t position() const {
    const std::lock_guard lock(mutex_);
    return position_;
  }
  Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  Status find_tail();
  void read_piece();
  bool has_match(const FrameView& frame, std::uint64_t from) const;
  std::size_t held_bytes() const;

  // mutex_ held.
  ReadState read_pieces(Deliveries& out, std::size_t events_max, std::size_t bytes_max, std::size_t& released);
  void deliver(Deliveries& out, Item& item, std::size_t& events, std::size_t& bytes);
  void deliver_hole(Deliveries& out, const StoreReader::Hole& hole);
  void request_more();

  Store& store_;
  ScanThreads& threads_;
  const AccountFilter filter_;
  const std::shared_ptr<Tail> tail_;
  WakeCell wake_;
  std::atomic<bool> is_cancelled_{false};

  // Of the thread that fills; one at a time.
  std::optional<StoreReader> reader_;
  std::uint64_t reader_generation_ = 0;
  Piece filled_;

  mutable std::mutex mutex_;   // guards all that follows
  std::vector<Piece> pieces_;  // pieces_ahead at most, for which there is room
  std::uint64_t position_;
  std::uint64_t generation_ = 0;  // how often pieces were dropped: what was read for an older one is not used
  bool is_requested_ = false;
  bool is_armed_ = false;
  bool is_at_end_ = false;
  Status status_;
};

std::size_t State::fill() noexcept {
  if (!has_memory_for([this] { read_piece(); })) fail();
  return filled_.bytes;
}

void State::fail() noexcept {
  filled_ = {};
  const std::lock_guard lock(mutex_);
  status_ = no_memory(Code::overloaded);
}

void State::read_piece() {
  filled_ = {};
  if (tail_) {
    if (Status found = find_tail(); !found) {
      const std::lock_guard lock(mutex_);
      status_ = std::move(found);
      return;
    }
  }
  std::uint64_t position = 0;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    position = position_;
  }
  if (!reader_ || reader_generation_ != generation) reader_.emplace(store_, position);
  reader_generation_ = generation;

  std::size_t looked_through = 0;
  while (filled_.bytes < piece_bytes && looked_through < looked_through_bytes_max && !is_cancelled_) {
    const std::uint64_t from = reader_->position();
    const auto next = reader_->next();
    if (next == StoreReader::Next::frame) {
      const FrameView& frame = reader_->frame();
      looked_through += frame.header().stride();
      if (!has_match(frame, from)) continue;
      filled_.items.push_back({.frame = frame, .next = reader_->position()});
      filled_.bytes += frame.header().stride();
    } else if (next == StoreReader::Next::hole) {
      filled_.items.push_back({.frame = {}, .hole = reader_->hole(), .next = reader_->position()});
    } else {
      filled_.is_end = next == StoreReader::Next::end;
      if (next == StoreReader::Next::failed) {
        Status failed = store_.failed_read(reader_->message());
        const std::lock_guard lock(mutex_);
        status_ = std::move(failed);
      }
      break;
    }
  }
  filled_.next = reader_->position();
}

void State::announce() noexcept {
  std::size_t useless = 0;
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    is_requested_ = false;
    wakes = std::exchange(is_armed_, false);
    if (reader_generation_ == generation_) {
      is_at_end_ = filled_.is_end;
      pieces_.push_back(std::move(filled_));
    } else {
      useless = filled_.bytes;
    }
    filled_ = {};
  }
  if (useless > 0) threads_.released(this, useless);
  if (wakes) wake_.call();
}

void State::drop() noexcept {
  std::size_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const Piece& piece : pieces_) bytes += piece.bytes;
    pieces_.clear();
    is_at_end_ = false;
    ++generation_;
  }
  threads_.released(this, bytes);
}

std::size_t State::held_bytes() const {
  std::size_t bytes = filled_.bytes;
  for (const Piece& piece : pieces_) bytes += piece.bytes;
  return bytes;
}

Status State::find_tail() {
  {
    const std::lock_guard lock(tail_->mutex);
    if (tail_->is_found) return {};
  }
  const auto start = tail_start(store_, filter_, tail_->range, is_cancelled_);
  if (!start) return start.error();
  if (is_cancelled_) return {};
  {
    const std::lock_guard lock(tail_->mutex);
    tail_->is_found = true;
  }
  const std::lock_guard lock(mutex_);
  position_ = std::max(position_, *start);
  return {};
}

bool State::has_match(const FrameView& frame, std::uint64_t from) const {
  for (std::uint64_t position = std::max(from, frame.first_position()); position < frame.next_position(); ++position) {
    if (filter_.matches(frame.record(position).account_id, position)) return true;
  }
  return false;
}

ReadState State::read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept {
  std::size_t released = 0;
  ReadState state = ReadState::ended;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = position_;
    if (!has_memory_for([&] { state = read_pieces(out, events_max, bytes_max, released); })) {
      out.clear();
      position_ = before;
      status_ = no_memory(Code::overloaded);
    }
  }
  if (released > 0) threads_.released(this, released);
  return state;
}

ReadState State::read_pieces(Deliveries& out, std::size_t events_max, std::size_t bytes_max, std::size_t& released) {
  while (!pieces_.empty() && events_max > 0 && bytes_max > 0) {
    Piece& piece = pieces_.front();
    if (piece.delivered < piece.items.size()) {
      Item& item = piece.items[piece.delivered];
      deliver(out, item, events_max, bytes_max);
      if (position_ < item.next) break;
      item = {};  // its buffer is left to who was given it
      ++piece.delivered;
      continue;
    }
    position_ = std::max(position_, piece.next);
    released += piece.bytes;
    pieces_.erase(pieces_.begin());
  }
  request_more();
  if (!pieces_.empty()) return ReadState::more;
  is_armed_ = status_.is_ok();
  return is_armed_ ? ReadState::idle : ReadState::ended;
}

void State::deliver(Deliveries& out, Item& item, std::size_t& events, std::size_t& bytes) {
  if (item.hole) {
    deliver_hole(out, *item.hole);
    position_ = item.next;
    return;
  }
  const FrameView& frame = item.frame;
  bool is_used = false;
  for (position_ = std::max(position_, frame.first_position());
       position_ < frame.next_position() && events > 0 && bytes > 0; ++position_) {
    const Record& record = frame.record(position_);
    if (!filter_.matches(record.account_id, position_)) continue;
    const std::string_view line = frame.line(position_);
    out.add({.json = line,
             .account_id = record.account_id,
             .cursor = {.incarnation = store_.log_id(), .position = position_, .timestamp = record.timestamp()}});
    is_used = true;
    --events;
    bytes -= std::min(bytes, line.size());
  }
  if (is_used) out.keep(frame.buffer());
}

void State::deliver_hole(Deliveries& out, const StoreReader::Hole& hole) {
  Gap gap{.reason = std::string(hole.reason), .account_id = filter_.single()};
  // Whose events they were is not known.
  if (filter_.is_all() && hole.is_counted) gap.missed = hole.end - hole.begin;
  out.add_gap(std::move(gap),
              {.incarnation = store_.log_id(), .position = hole.end - 1, .timestamp = store_.clock().now()});
}

void State::request_more() {
  const bool is_enough = pieces_.size() >= pieces_ahead || (is_at_end_ && !pieces_.empty());
  if (is_requested_ || is_enough || !status_) return;
  threads_.request(weak_from_this());
  is_requested_ = true;
}

class LogScan final : public history::HistoryScan {
 public:
  explicit LogScan(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~LogScan() override { state_->cancel(); }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    return state_->read(out, events_max, bytes_max);
  }
  std::uint64_t position() const noexcept override { return state_->position(); }
  Status status() const override { return state_->status(); }

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<history::HistoryScan> make_log_scan(Store& store, ScanThreads& threads, std::uint64_t position,
                                                    const AccountFilter& filter, std::shared_ptr<Tail> tail,
                                                    Wake wake) {
  return std::make_unique<LogScan>(
      std::make_shared<State>(store, threads, position, filter, std::move(tail), std::move(wake)));
}

}  // namespace tracking::file_log
