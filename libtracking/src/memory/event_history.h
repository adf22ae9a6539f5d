// A bounded history of event lines in memory, in one order, that any number of readers follow.
#pragma once

#include <tracking/broker.h>
#include <tracking/clock.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tracking::memory {

/// A piece of history: the lines of up to entries_max events, one after the other. Append-only while it is the newest,
/// then constant, until its last holder lets go and its pages are used again.
struct Chunk {
  struct Entry {
    std::uint32_t offset;
    std::uint32_t size;
    AccountId account_id;
    Timestamp timestamp;
  };
  static constexpr std::size_t text_bytes = 256 << 10;
  static constexpr std::size_t entries_max = 4'096;

  std::uint64_t first_position = 0;
  std::uint32_t count = 0;  ///< read and written with the history's mutex held
  std::size_t used = 0;
  std::size_t capacity = 0;
  std::unique_ptr<char[]> text;
  std::unique_ptr<Entry[]> entries;

  std::uint64_t end_position() const noexcept { return first_position + count; }
  const Entry& at(std::uint64_t position) const noexcept { return entries[position - first_position]; }
  std::string_view line(const Entry& entry) const noexcept { return {text.get() + entry.offset, entry.size}; }
};

/// Chunks that were let go, kept for use again: fresh pages cost a page fault each.
class ChunkPool : public std::enable_shared_from_this<ChunkPool> {
 public:
  std::shared_ptr<Chunk> take(std::size_t line_bytes);

 private:
  void put(std::unique_ptr<Chunk> chunk);
  static constexpr std::size_t kept_max = 8;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Chunk>> free_;  // guarded by mutex_
};

/// What a wake reaches: outlives the reader for as long as a publisher is about to call it.
class WakeCell {
 public:
  explicit WakeCell(Wake wake) : wake_(std::move(wake)) {}
  void call() {
    const std::lock_guard lock(mutex_);
    if (wake_) wake_();
  }
  /// After it returned, the wake is not called again.
  void cancel() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }

 private:
  std::mutex mutex_;
  Wake wake_;  // guarded by mutex_
};

/// Which accounts, and from which position on each: an account that was added to a running subscription begins there.
class AccountFilter {
 public:
  AccountFilter() = default;
  /// Empty = every account.
  AccountFilter(std::span<const AccountId> account_ids, std::uint64_t from);

  /// The filter that follows this one when the accounts change at position `now`: accounts that stay keep their
  /// position.
  AccountFilter changed(std::span<const AccountId> account_ids, std::uint64_t now) const;

  bool matches(AccountId id, std::uint64_t position) const noexcept {
    if (is_everything_) return true;
    return position >= from(id);
  }
  bool is_all() const noexcept { return all_from_ != never; }
  const std::unordered_map<AccountId, std::uint64_t>& accounts() const noexcept { return from_; }
  /// The account, if it is exactly one.
  std::optional<AccountId> single() const {
    return !is_all() && from_.size() == 1 ? std::optional(from_.begin()->first) : std::nullopt;
  }

 private:
  static constexpr std::uint64_t never = UINT64_MAX;
  std::uint64_t from(AccountId id) const noexcept {
    const auto found = from_.find(id);
    return found == from_.end() ? all_from_ : found->second;
  }

  bool is_everything_ = true;   // no exceptions: the usual subscription to all
  std::uint64_t all_from_ = 0;  // of accounts that are not listed
  std::unordered_map<AccountId, std::uint64_t> from_;
};

class HistoryReader;

/// Thread-safe. Positions count 1, 2, 3, ... over all events.
class EventHistory {
 public:
  EventHistory(std::size_t bytes_max, Clock& clock);
  ~EventHistory();

  void append(const Lines& lines);
  Result<std::unique_ptr<Subscription>> open(const SubscribeOptions& options, Wake wake,
                                             std::shared_ptr<EventHistory> self);
  BrokerStats stats();
  /// Readers get what is there and then end.
  void close();

 private:
  friend class HistoryReader;

  // All of these: mutex_ held.
  void append_line(const Line& line);
  void evict();
  void notify_matching(const Line& line, std::uint64_t position);
  void arm(HistoryReader& reader);
  void index(HistoryReader& reader);
  void unindex(HistoryReader& reader);
  std::uint64_t oldest_position() const noexcept { return chunks_.empty() ? next_ : chunks_.front()->first_position; }
  std::shared_ptr<Chunk> chunk_of(std::uint64_t position) const;
  std::uint64_t first_not_before(Timestamp time) const;
  Cursor cursor_at(std::uint64_t position) const;

  const std::size_t bytes_max_;
  const std::uint64_t incarnation_;
  Clock& clock_;
  const std::shared_ptr<ChunkPool> pool_;

  std::mutex mutex_;  // guards all that follows, and the guarded fields of readers
  std::deque<std::shared_ptr<Chunk>> chunks_;
  std::uint64_t next_ = 1;         // position of the next event
  std::uint64_t bytes_ = 0;        // of the lines held
  std::uint64_t bytes_total_ = 0;  // of all lines ever appended
  Timestamp evicted_until_{};      // timestamp of the newest event that was evicted
  bool has_evicted_ = false;
  bool is_closed_ = false;
  std::uint64_t missed_ = 0;
  std::uint64_t readers_ = 0;
  std::vector<HistoryReader*> armed_;  // readers of every account that wait for the next event
  std::unordered_map<AccountId, std::vector<HistoryReader*>> by_account_;
  std::vector<std::shared_ptr<WakeCell>> woken_;  // scratch of append()
};

/// One subscription over a history.
class HistoryReader final : public Subscription {
 public:
  HistoryReader(std::shared_ptr<EventHistory> history, const SubscribeOptions& options, Wake wake);
  ~HistoryReader() override;

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override;
  Status set_accounts(std::span<const AccountId> account_ids) noexcept override;
  std::string cursor() const override;

 private:
  friend class EventHistory;

  // history_->mutex_ held.
  void start_at(const StartPoint& start);
  void start_at_cursor(const Cursor& cursor);
  void start_at_tail(std::uint64_t tail, bool is_alone);
  void tell_what_was_missed(Deliveries& out);
  void drop_oldest(Deliveries& out);
  void reach_the_present();
  void disarm();
  struct Amount {
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
  };
  Amount count_matching() const;
  void set_pending(const Amount& amount);

  // Reading thread, without the mutex: the chunk is constant up to `end`.
  struct Budget {
    std::size_t events;
    std::size_t bytes;
  };
  Amount take(Deliveries& out, const std::shared_ptr<Chunk>& chunk, std::uint64_t end, Budget& budget);

  const std::shared_ptr<EventHistory> history_;
  const std::shared_ptr<WakeCell> wake_;
  const std::size_t buffer_bytes_max_;

  // Guarded by history_->mutex_; next_ and filter_ are changed by the reading thread alone while it is not armed.
  AccountFilter filter_;
  std::uint64_t next_ = 1;            // position to read next
  std::uint64_t end_ = UINT64_MAX;    // follow = false: where history ended
  bool is_armed_ = false;             // read() said idle: the next matching event calls the wake
  bool is_catching_up_ = false;       // reads history: events that wait for it do not count as its buffer
  std::uint64_t pending_events_ = 0;  // live and matching, not read yet; kept for readers of some accounts only:
  std::uint64_t pending_bytes_ = 0;   // for those of all, positions and bytes_seen_ tell
  std::uint64_t bytes_seen_ = 0;      // the history's bytes_total_ at next_, for readers of every account
  std::optional<Gap> opening_gap_;
};

}  // namespace tracking::memory
