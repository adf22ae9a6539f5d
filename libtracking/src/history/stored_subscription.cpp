#include "history/stored_subscription.h"

#include <algorithm>
#include <atomic>

#include "codec/cursor.h"
#include "codec/no_memory.h"

namespace tracking::history {

HistoryScan::~HistoryScan() = default;

namespace {

/// The wake while a scan is read: once for each time that the reader was told to wait for it, whoever calls it.
struct ScanWake {
  explicit ScanWake(std::shared_ptr<WakeCell> the_cell) : cell(std::move(the_cell)) {}
  void call() {
    if (is_due.exchange(false)) cell->call();
  }

  const std::shared_ptr<WakeCell> cell;
  std::atomic<bool> is_due{false};
};

class StoredSubscription final : public Subscription {
 public:
  StoredSubscription(std::shared_ptr<EventHistory> live, const SubscribeOptions& options, StoredStart start,
                     OpenScan open_scan, Wake wake)
      : live_(std::move(live)),
        open_scan_(std::move(open_scan)),
        wake_(std::make_shared<WakeCell>(std::move(wake))),
        scan_wake_(std::make_shared<ScanWake>(wake_)),
        buffer_bytes_max_(options.buffer_bytes_max),
        end_(start.end),
        filter_(options.account_ids, 0),
        generation_(live_->extent().generation),
        next_(start.position),
        opening_gap_(std::move(start.gap)),
        asked_cursor_(parse_cursor(options.since.text())),
        cursor_(start.cursor) {}

  ~StoredSubscription() override { wake_->cancel(); }

  /// Finds a place to read from.
  Status begin() { return join() ? Status() : scan_from(next_); }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    out.clear();
    if (!status_) return ReadState::ended;
    ReadState state = ReadState::ended;
    Cursor cursor = cursor_;
    const bool has_memory = has_memory_for([&] {
      if (reader_ && reader_->fell_behind()) leave_live();
      cursor = cursor_;
      state = read_next(out, events_max, bytes_max);
    });
    if (!has_memory) {
      // It ends where it was before this call: whoever resumes there is told what was about to be told here.
      out.clear();
      cursor_ = cursor;
      status_ = no_memory(Code::overloaded);
    }
    if (state != ReadState::idle) scan_wake_->is_due = false;
    return state;
  }

  /// If there is no memory, nothing changes.
  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    if (reader_ && !reader_->fell_behind()) return reader_->set_accounts(account_ids);
    AccountFilter changed;
    const bool has_changed = has_memory_for([&] {
      if (reader_) leave_live();
      changed = filter_.changed(account_ids, live_->extent().next);
    });
    if (!has_changed) return no_memory(Code::overloaded);
    std::swap(filter_, changed);
    const bool has_memory = has_memory_for([&] { scan_from(next_).ignore(); });
    if (!has_memory) std::swap(filter_, changed);  // by which the next read() begins a scan
    // Whoever waits for the scan that has gone reads on with the one that took its place.
    scan_wake_->call();
    return has_memory ? status_ : no_memory(Code::overloaded);
  }

  std::string cursor() const override {
    // Without memory it ended before its gap was told: who resumes is told it again.
    if (!status_ && opening_gap_ && asked_cursor_) return to_text(*asked_cursor_);
    return reader_ && is_live_ ? reader_->cursor() : to_text(cursor_);
  }

  Status status() const override { return status_; }

 private:
  /// Goes over to the live history, if that holds the next position.
  bool join() {
    const auto extent = live_->extent();
    const bool is_restarted = extent.generation != generation_;
    reader_ = live_->open_at({.position = is_restarted ? extent.oldest : next_,
                              .end = is_restarted && end_ != UINT64_MAX ? extent.oldest : end_,
                              .filter = is_restarted ? filter_.restarted() : filter_,
                              .buffer_bytes_max = buffer_bytes_max_},
                             std::make_shared<WakeCell>([cell = wake_] { cell->call(); }), live_);
    if (!reader_) return false;
    scan_.reset();
    is_live_ = false;
    if (is_restarted) opening_gap_ = Gap{.reason = std::string(gap_reason::unknown_cursor)};
    generation_ = extent.generation;
    return true;
  }

  Status scan_from(std::uint64_t position) {
    scan_.reset();  // first: a store serves so many at a time
    auto scan = open_scan_(position, filter_, [wake = scan_wake_] { wake->call(); });
    status_ = scan ? Status() : scan.error();
    if (scan) scan_ = std::move(*scan);
    return status_;
  }

  ReadState read_next(Deliveries& out, std::size_t events_max, std::size_t bytes_max) {
    if (opening_gap_) {
      Gap gap = *opening_gap_;
      gap.account_id = (reader_ ? reader_->filter() : filter_).single();
      out.add_gap(std::move(gap), cursor_);
      opening_gap_.reset();
      return ReadState::more;
    }
    if (reader_) return read_live(out, events_max, bytes_max);
    if (next_ >= end_) {
      scan_.reset();
      return ReadState::ended;
    }
    if (!scan_ && !scan_from(next_)) return ReadState::ended;
    return read_scan(out, events_max, bytes_max);
  }

  ReadState read_live(Deliveries& out, std::size_t events_max, std::size_t bytes_max) {
    const ReadState state = reader_->read(out, events_max, bytes_max);
    if (state == ReadState::ended) status_ = reader_->status();
    is_live_ = is_live_ || state == ReadState::idle;
    if (!is_live_) note_cursor(out);
    return reader_->fell_behind() ? ReadState::more : state;
  }

  /// What the reader should read next is to be had from the store alone by now.
  void leave_live() {
    const Cursor cursor = is_live_ ? parse_cursor(reader_->cursor()).value_or(cursor_) : cursor_;
    filter_ = reader_->filter();
    cursor_ = cursor;
    is_live_ = false;
    next_ = *reader_->fell_behind();
    generation_ = live_->extent().generation;
    reader_.reset();
  }

  ReadState read_scan(Deliveries& out, std::size_t events_max, std::size_t bytes_max) {
    if (live_->extent().generation != generation_) {
      join();
      return ReadState::more;
    }
    scan_wake_->is_due = true;  // the scan may call it before it has returned
    const ReadState state = scan_->read(out, events_max, bytes_max);
    if (end_ == UINT64_MAX) note_cursor(out);  // what is left out is behind us too
    out.erase_if([this](const DeliveryView& view) {
      const bool is_wanted = view.cursor.position < end_ && filter_.matches(view.account_id, view.cursor.position);
      return !view.gap && !is_wanted;
    });
    if (end_ != UINT64_MAX) note_cursor(out);
    next_ = scan_->position();
    if (next_ >= end_) return out.empty() ? ReadState::ended : ReadState::more;
    if (next_ >= live_->extent().oldest && join()) return ReadState::more;
    if (state == ReadState::ended) {
      status_ = scan_->status();
      if (status_) status_ = {Code::internal, "the history ended before the live events begin"};
      return ReadState::ended;
    }
    return state;
  }

  void note_cursor(const Deliveries& out) {
    if (!out.empty()) cursor_ = codec::cursor_of(out[out.size() - 1]);
  }

  const std::shared_ptr<EventHistory> live_;
  const OpenScan open_scan_;
  const std::shared_ptr<WakeCell> wake_;
  const std::shared_ptr<ScanWake> scan_wake_;
  const std::size_t buffer_bytes_max_;
  const std::uint64_t end_;
  AccountFilter filter_;            // the scan's; reader_ has its own
  std::uint64_t generation_;        // of the live history, that positions are of
  std::uint64_t next_;              // while scanning: where the scan stands
  std::optional<Gap> opening_gap_;  // told by the next read()
  const std::optional<Cursor> asked_cursor_;
  Cursor cursor_;                      // of the last delivery, until the reader has caught up
  bool is_live_ = false;               // reader_ has caught up
  std::unique_ptr<HistoryScan> scan_;  // of the two, one is there
  std::unique_ptr<HistoryReader> reader_;
  Status status_;
};

}  // namespace

Result<std::unique_ptr<Subscription>> open_stored(std::shared_ptr<EventHistory> live, const SubscribeOptions& options,
                                                  StoredStart start, OpenScan open_scan, Wake wake) {
  auto subscription = std::make_unique<StoredSubscription>(std::move(live), options, std::move(start),
                                                           std::move(open_scan), std::move(wake));
  if (Status status = subscription->begin(); !status) return status;
  return std::unique_ptr<Subscription>(std::move(subscription));
}

}  // namespace tracking::history
