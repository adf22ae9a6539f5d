// Lines of NDJSON on their way: read, handed over together, and waiting for their outcomes.
#pragma once

#include <tracking/event.h>
#include <tracking/web.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "codec/event_decoder.h"
#include "web/batch_report.h"
#include "web/line_gate.h"

namespace tracking::web {

/// At most this many lines are handed over together: beyond it a larger batch saves nothing (measured at 256: the
/// engine's cost of a call is below 1 ns an event).
inline constexpr std::size_t batch_lines_max = 256;
/// ... and about this many bytes.
inline constexpr std::size_t batch_bytes_max = 64 * 1024;
/// What id, time, producer and sequence add to an event.
inline constexpr std::size_t line_bytes_more = 160;

/// A copy of up to batch_lines_max lines with what they say. Filled by the feeding thread, then left alone until the
/// engine has completed it.
class LineBatch {
 public:
  void clear() noexcept;
  void add_line(std::string_view line);
  void add_oversized_line();
  bool is_empty() const noexcept { return lines_.empty(); }
  bool is_full() const noexcept { return lines_.size() >= batch_lines_max || text_.size() >= batch_bytes_max; }
  /// What it asks of a broker: its lines become longer there.
  LineGate::Load load() const noexcept { return {lines_.size(), text_.size() + lines_.size() * line_bytes_more}; }
  std::size_t bytes() const noexcept { return text_.size(); }
  std::size_t bytes_reserved() const noexcept { return text_.capacity(); }

  /// Makes room for decode() and keep(), which then need none.
  void reserve();
  /// Reads the lines. Counts them as received, and those that are no events as ended.
  void decode(std::size_t data_bytes_max, Ledger& ledger) noexcept;
  /// The events among them, in order; valid until clear().
  std::span<const Event> events() const noexcept { return events_; }
  /// Keeps what the receipts say, and counts the events as ended. Does not allocate.
  void keep(std::span<const Receipt> receipts, Ledger& ledger) noexcept;
  /// Tells all lines, in order.
  void fold_into(BatchReport& report) const noexcept;

  std::shared_ptr<void> owner;  ///< keeps the intake alive while this is in flight
  bool is_done = false;         ///< guarded by the intake's mutex

 private:
  struct Line {
    std::size_t offset;
    std::size_t size;  // oversized: not kept
  };
  struct Outcome {
    Code code;
    AckLevel ack;
    bool duplicate;
  };
  static constexpr std::size_t oversized = static_cast<std::size_t>(-1);

  std::string text_;
  std::vector<Line> lines_;
  std::vector<codec::ArrayElement> elements_;  // one a line
  std::vector<Event> events_;
  std::vector<Outcome> outcomes_;  // one an event
  EventId doubtful_id_;            // of the first event in doubt
  Timestamp doubtful_timestamp_{};
};

/// Batches are large, so idle bodies hold none: they are lent while they are needed. Thread-safe.
class LineBatchPool {
 public:
  std::unique_ptr<LineBatch> take();
  void give_back(std::unique_ptr<LineBatch> batch) noexcept;

 private:
  static constexpr std::size_t kept_max = 8;
  static constexpr std::size_t kept_bytes_max = 4 * batch_bytes_max;  // of a batch's text
  std::mutex mutex_;
  std::vector<std::unique_ptr<LineBatch>> free_;  // guarded by mutex_
};

}  // namespace tracking::web
