// Passes over the stream's past, for single subscriptions.
#pragma once

#include "history/stored_subscription.h"
#include "nats/jetstream_event.h"
#include "nats/jetstream_readers.h"

namespace tracking::jetstream {

/// Where a scan starts, and what it is to leave out.
struct ScanStart {
  std::uint64_t incarnation = 0;
  std::uint64_t position = 1;
  /// Events before the first one of this time or later are left out.
  std::optional<Timestamp> not_before = std::nullopt;
};

/// overloaded if too many read history already. `readers` and `events` outlive the scan.
Result<std::unique_ptr<history::HistoryScan>> open_scan(ReaderSet& readers, EventReader& events, const ScanStart& start,
                                                        const history::AccountFilter& filter, Wake wake);

}  // namespace tracking::jetstream
