// A bounded history of event lines in memory, in one order, that any number of readers follow: all of what `memory:`
// keeps, and the newest part, from which live subscribers are served, of what other brokers keep elsewhere.
#pragma once

#include <tracking/broker.h>
#include <tracking/clock.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "history/account_filter.h"
#include "history/chunk.h"
#include "history/wake_cell.h"
#include "sync/light_mutex.h"

namespace tracking::history {

/// A number that no other history has: for one that lives no longer than this process.
TRACKING_EXPORT std::uint64_t random_incarnation();

struct HistorySettings {
  std::size_t bytes_max = 64u << 20;  ///< of lines; what exceeds it goes, oldest first
  std::uint64_t incarnation = random_incarnation();
  std::uint64_t next_position = 1;  ///< of the first event that will be appended
  /// False: it serves live subscribers only. Whoever asks for the past is told `expired`, and goes on live.
  bool is_resumable = true;
};

class HistoryReader;

/// Thread-safe. Positions grow by one an event, except where skip_to() leaves a hole. Readers share the ownership: it
/// lives until the last of them is gone. Exported for components of this project; no promise to others.
class TRACKING_EXPORT EventHistory {
 public:
  EventHistory(const HistorySettings& settings, Clock& clock);
  ~EventHistory();

  /// Lines whose text stands already where it will be appended, for nobody to see.
  class Prepared {
    friend class EventHistory;
    std::uint64_t number_ = 0;  // of the call of prepare() that it is of; 0: none
    std::shared_ptr<Chunk> chunk_;
    std::size_t begin_ = 0;
    std::size_t bytes_ = 0;
  };
  /// For who has time before the lines may be seen: copies the first of them, as many as one copy can put into the
  /// newest chunk, a new one if that is full. To be given to append_all() with the same lines, whose text is the same
  /// still. Whatever is prepared or appended meanwhile makes it worthless, and does no harm.
  Prepared prepare(const Lines& lines) noexcept;

  /// Appends at the next positions, and wakes whoever waits for one of the lines. Returns how many were appended: all,
  /// unless there is no memory for the others.
  std::size_t append(const Lines& lines) noexcept;
  /// The same for lines that others have already: those that there is no memory for take their positions all the same,
  /// and every reader is told `unknown-cursor`.
  void append_all(const Lines& lines) noexcept;
  void append_all(const Lines& lines, const Prepared& prepared) noexcept;
  /// Appends at `position`, after a hole if that is not the next one. Nothing happens if it has passed already.
  /// If it throws, as there is no memory, nothing was appended: it may be tried again.
  void append_at(std::uint64_t position, const Line& line);
  /// Positions before `position` hold no events of ours, or none any more.
  void skip_to(std::uint64_t position) noexcept;
  /// Tells every reader whom it concerns, after the events appended so far. Without memory for that, as restart() does.
  void append_gap(Gap gap) noexcept;
  /// Positions mean something else from now on: all lines go, and every reader is told `unknown-cursor` before it goes
  /// on with the first event appended from here.
  void restart(std::uint64_t incarnation, std::uint64_t next_position) noexcept;

  /// `self` is this history. Starts are resolved among what is held here.
  Result<std::unique_ptr<Subscription>> open(const SubscribeOptions& options, Wake wake,
                                             std::shared_ptr<EventHistory> self);

  struct Start {
    std::uint64_t position = 0;      ///< may be one that is still to come
    std::uint64_t end = UINT64_MAX;  ///< the reader ends before it
    AccountFilter filter = {};
    std::size_t buffer_bytes_max = 1 << 20;
    bool is_catching_up = true;  ///< events that are there already do not count as its buffer
  };
  /// A reader from a position on, for who keeps older events elsewhere; nullptr if the position is held here no more.
  /// Should events go that it has yet to read and that fit its buffer, or that it is catching up with, it does not tell
  /// a gap, but says fell_behind().
  std::unique_ptr<HistoryReader> open_at(const Start& start, std::shared_ptr<WakeCell> wake,
                                         std::shared_ptr<EventHistory> self);

  struct Extent {
    std::uint64_t incarnation = 0;
    std::uint64_t generation = 0;  ///< how often it was restarted
    std::uint64_t oldest = 0;      ///< the first position held
    std::uint64_t next = 0;        ///< of the event to come; equal to `oldest`: nothing is held
  };
  Extent extent();
  /// Of the first event held that is of this time or later; else of the event to come.
  std::uint64_t find_time(Timestamp time);

  BrokerStats stats();
  /// Readers get what is there and then end.
  void close();

 private:
  friend class HistoryReader;

  /// A gap that stands before the event at `position`.
  struct Mark {
    std::uint64_t position;
    Gap gap;
  };

  std::size_t append(const Lines& lines, const Prepared& prepared) noexcept;
  // All of these: mutex_ held.
  std::size_t append_some(const Lines& lines, std::size_t first, const Prepared& prepared, WakeCell::List& woken);
  Chunk& writable_chunk(std::size_t line_bytes);
  void leave_hole(std::uint64_t position);
  void begin_anew(std::uint64_t incarnation, std::uint64_t next_position, WakeCell::List& woken) noexcept;
  void show() noexcept;
  void evict();
  void notify_matching(const Line& line, std::uint64_t position, WakeCell::List& woken) noexcept;
  void collect_armed(WakeCell::List& woken) noexcept;
  void disarm_all(WakeCell::List& woken) noexcept;
  void make_room_for_reader();
  void add_mark(Gap gap);
  void note_change() noexcept { changes_.fetch_add(1, std::memory_order_release); }
  void arm(HistoryReader& reader);
  void index(HistoryReader& reader);
  void unindex(HistoryReader& reader);
  void unindex(HistoryReader& reader, AccountId id);
  /// From the lists of its filter to those of `changed`. If it throws, nothing has changed.
  void reindex(HistoryReader& reader, const AccountFilter& changed);
  void make_room_for(const AccountFilter& filter);
  std::uint64_t oldest_position() const noexcept { return chunks_.empty() ? next_ : chunks_.front()->first_position; }
  std::uint64_t events_before_oldest() const noexcept {
    return chunks_.empty() ? events_total_ : chunks_.front()->events_before;
  }
  /// How many events were appended before `position`, which is held, or next_.
  std::uint64_t events_before(std::uint64_t position) const;
  /// The chunk that holds `position`, or, if that is in a hole, the one after it; nullptr if there is none.
  std::shared_ptr<Chunk> chunk_from(std::uint64_t position) const;
  /// The next position from `position` on that a chunk holds, or next_.
  std::uint64_t settle(std::uint64_t position) const;
  std::uint64_t first_not_before(Timestamp time) const;
  Cursor cursor_at(std::uint64_t position) const;
  std::uint64_t end_mark() const noexcept { return first_mark_ + marks_.size(); }
  std::uint64_t mark_from(std::uint64_t position) const;

  const std::size_t bytes_max_;
  const std::size_t chunks_max_;
  const bool is_resumable_;
  Clock& clock_;
  const std::shared_ptr<ChunkPool> pool_;

  /// All that happened but events: gaps, restarts, the end. Written with mutex_ held; read without it by those who
  /// follow the newest chunk, and so apart from what each event changes.
  alignas(Chunk::cache_line_bytes) std::atomic<std::uint64_t> changes_{0};

  alignas(Chunk::cache_line_bytes) sync::LightMutex mutex_;  // guards all that follows, and readers' guarded fields
  std::uint64_t incarnation_;
  std::uint64_t generation_ = 0;
  std::deque<std::shared_ptr<Chunk>> chunks_;
  bool begins_new_chunk_ = false;   // a hole was left that is too wide for the newest chunk
  std::uint64_t next_;              // position of the next event
  std::uint64_t bytes_ = 0;         // of the lines held
  std::uint64_t bytes_total_ = 0;   // of all lines ever appended
  std::uint64_t events_total_ = 0;  // ever appended
  Timestamp evicted_until_{};       // timestamp of the newest event that was evicted
  bool has_evicted_ = false;
  bool is_closed_ = false;
  std::uint64_t prepared_ = 0;  // how often prepare() was called
  std::uint64_t missed_ = 0;
  std::uint64_t readers_ = 0;
  std::deque<Mark> marks_;             // the newest marks_max
  std::uint64_t first_mark_ = 0;       // the number of marks_.front(): marks are numbered as they come
  std::vector<HistoryReader*> armed_;  // readers of every account that wait for the next event; with room for all
  std::unordered_map<AccountId, std::vector<HistoryReader*>> by_account_;
};

}  // namespace tracking::history
