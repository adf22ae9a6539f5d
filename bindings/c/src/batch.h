// A batch of the C interface as the engine takes it, and the receipts back.
#pragma once

#include <tracking/c.h>
#include <tracking/service.h>

#include <span>
#include <string>
#include <vector>

#include "codec/event_decoder.h"

namespace tracking::c {

/// Holds what the engine borrows until the batch is completed. Used by one thread at a time.
class Batch {
 public:
  /// Reads the caller's batch. A failure means that nothing of it counts: its text is no JSON, it has more than
  /// events_max events, or the call is wrong.
  Status read(const tracking_batch& batch, std::size_t events_max, std::size_t data_bytes_max);

  /// Those that the engine is given: without the ones that are known to be no events.
  std::span<const Event> events() const noexcept { return events_; }
  TrackOptions options() const noexcept { return options_; }
  /// How many receipts there will be: one for each event that the caller named.
  std::size_t size() const noexcept { return elements_.empty() ? events_.size() : elements_.size(); }

  /// Writes size() receipts, from what the engine said of events().
  void write(std::span<const Receipt> arrived, tracking_receipt* receipts) const noexcept;
  /// Ok, or why the first event was not accepted that was not.
  Status first_failure(std::span<const Receipt> arrived, std::size_t data_bytes_max) const;

 private:
  Status read_events(const tracking_batch& batch, std::size_t events_max);
  Status read_array(std::size_t events_max, std::size_t data_bytes_max);
  Status read_lines(std::size_t events_max, std::size_t data_bytes_max);

  std::string text_;                           // a copy: it is decoded in place
  std::vector<codec::ArrayElement> elements_;  // of the text; empty if the caller gave structures
  std::vector<Event> events_;
  TrackOptions options_;
};

}  // namespace tracking::c
