// A subscription over a broker that keeps events somewhere else than in memory: it reads the past from there, and goes
// over into the live history without a seam.
#pragma once

#include <functional>
#include <optional>

#include "history/history_reader.h"

namespace tracking::history {

/// A pass over what a store holds, forward from one position. Made and used by one subscription, on its reader's
/// thread; it may read ahead on threads of its own, within a bound. Positions are the live history's.
class TRACKING_EXPORT HistoryScan {
 public:
  HistoryScan() = default;
  HistoryScan(const HistoryScan&) = delete;
  HistoryScan& operator=(const HistoryScan&) = delete;
  /// After it returned, the wake is not called again.
  virtual ~HistoryScan();

  /// Adds at most `events_max` events of about `bytes_max` bytes, and gaps (such as `corrupt`), to `out`, in order,
  /// each event with its position, incarnation and timestamp. Events of accounts that the filter does not want may be
  /// among them. Never blocks. `idle`: the wake will be called once when there is more. `ended`: it can go no further;
  /// status() says why.
  virtual ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept = 0;

  /// Everything before this position was delivered, or is no event that the filter wants. It comes up to the oldest
  /// position of the live history sooner or later: there the live history takes over. Where read() had no memory, it
  /// stands where it was.
  virtual std::uint64_t position() const noexcept = 0;

  /// Ok, or why it can go no further.
  virtual Status status() const = 0;
};

/// Opens a scan from `position` on. The filter tells which accounts are wanted: a store that can leaves the others out.
/// Called by the subscription's reader; may block for a moment only.
using OpenScan =
    std::function<Result<std::unique_ptr<HistoryScan>>(std::uint64_t position, const AccountFilter& filter, Wake wake)>;

/// Where a stored subscription starts: what the broker found for SubscribeOptions::since and tail.
struct StoredStart {
  /// The first position to read.
  std::uint64_t position = 0;
  /// follow = false: the subscription ends before this position.
  std::uint64_t end = UINT64_MAX;
  /// Told first.
  std::optional<Gap> gap = std::nullopt;
  /// The subscription's cursor until something is delivered: the event before `position`, if the broker knows it.
  Cursor cursor = {};
};

/// `live` holds everything from its oldest position on; `open_scan` outlives the subscription.
TRACKING_EXPORT Result<std::unique_ptr<Subscription>> open_stored(std::shared_ptr<EventHistory> live,
                                                                  const SubscribeOptions& options, StoredStart start,
                                                                  OpenScan open_scan, Wake wake);

}  // namespace tracking::history
