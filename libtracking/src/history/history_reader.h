// One subscription over a history in memory.
#pragma once

#include "history/event_history.h"

namespace tracking::history {

/// As Subscription says: one thread at a time.
class TRACKING_EXPORT HistoryReader final : public Subscription {
 public:
  HistoryReader(std::shared_ptr<EventHistory> history, AccountFilter filter, std::size_t buffer_bytes_max,
                std::shared_ptr<WakeCell> wake);
  ~HistoryReader() override;

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override;
  Status set_accounts(std::span<const AccountId> account_ids) noexcept override;
  std::string cursor() const override;
  Status status() const override;

  /// Of a reader by EventHistory::open_at(): the position that it would have read next, had it not gone before. read()
  /// says `more` then, and goes no further.
  std::optional<std::uint64_t> fell_behind() const noexcept { return fell_behind_; }
  const AccountFilter& filter() const noexcept { return filter_; }

 private:
  friend class EventHistory;

  /// Of events: how many, and the bytes of their lines.
  struct Amount {
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
  };
  struct Budget {
    std::size_t events;
    std::size_t bytes;
  };
  /// What is read next, outside of the mutex: the chunk is constant up to `end`.
  struct Piece {
    std::shared_ptr<Chunk> chunk;
    std::uint64_t end = 0;
    std::uint64_t incarnation = 0;
  };

  ReadState read_some(Deliveries& out, std::size_t events_max, std::size_t bytes_max, std::uint64_t& start);

  // history_->mutex_ held.
  void start(const StartPoint& point, const SubscribeOptions& options);
  void start_in_the_past(const StartPoint& point);
  void start_at_cursor(const Cursor& cursor);
  void start_at_tail(std::uint64_t tail, bool is_alone);
  void start_at_position(const EventHistory::Start& start);
  std::optional<ReadState> find_piece(Piece& piece, Deliveries& out);
  void follow_from(const Piece& piece);
  void start_over(Deliveries& out);
  void tell_opening_gap(Deliveries& out);
  void tell_marks(Deliveries& out);
  bool drop_what_is_too_much(Deliveries& out);
  void drop_oldest(Deliveries& out);
  Amount skip_oldest_of(Amount kept);
  void reach_the_present();
  void disarm();
  Amount count_matching() const;
  void set_pending(const Amount& amount);
  Gap gap_of(std::string_view reason, std::optional<std::uint64_t> missed = std::nullopt) const;
  bool wants(AccountId id, std::uint64_t position) const noexcept {
    return position >= not_before_ && filter_.matches(id, position);
  }
  Cursor here() const { return history_->cursor_at(next_ - 1); }

  // Reading thread, without the mutex.
  bool follow(Deliveries& out, Budget& budget, std::uint64_t& start);
  Amount take(Deliveries& out, const Piece& piece, Budget& budget);

  const std::shared_ptr<EventHistory> history_;
  const std::shared_ptr<WakeCell> wake_;
  const std::size_t buffer_bytes_max_;
  bool has_store_ = false;                    // constant after start: older events are kept elsewhere
  std::uint64_t not_before_ = 0;              // what stands before it was read elsewhere; changed like next_
  std::optional<std::uint64_t> fell_behind_;  // reading thread
  bool has_no_memory_ = false;                // reading thread; it ended for that

  // Reading thread: the chunk that it follows, if it reads every account and waits for nothing, and the history's
  // changes_ that it has seen. It does not hold the chunk: who reads no more keeps no memory.
  std::weak_ptr<Chunk> followed_;
  std::uint64_t changes_seen_ = 0;
  std::uint64_t followed_incarnation_ = 0;

  // Guarded by history_->mutex_; next_ and filter_ are changed by the reading thread alone while it is not armed.
  AccountFilter filter_;
  std::uint64_t generation_ = 0;        // of the history, that positions are of
  std::uint64_t next_ = 1;              // position to read next
  std::uint64_t next_mark_ = 0;         // number of the gap to tell next
  std::uint64_t end_ = UINT64_MAX;      // ends before this position
  bool is_armed_ = false;               // read() said idle: the next matching event calls the wake
  std::optional<Cursor> asked_cursor_;  // while its gap was not told yet: who resumes is told it again
  bool is_uncounted_ = false;           // the filter was changed when events had gone unread: how many cannot be told
  bool is_catching_up_ = false;         // reads history: events that wait for it do not count as its buffer
  std::uint64_t pending_events_ = 0;    // live and matching, not read yet; kept for readers of some accounts only:
  std::uint64_t pending_bytes_ = 0;     // for those of all, the totals seen tell
  std::uint64_t bytes_seen_ = 0;        // the history's bytes_total_ at next_, for readers of every account
  std::uint64_t events_seen_ = 0;       // the same of events_total_
  std::optional<Gap> opening_gap_;
};

}  // namespace tracking::history
