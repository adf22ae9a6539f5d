// Where a subscription starts in the stream: what `since` and `tail` mean there.
#pragma once

#include "nats/jetstream_feed.h"
#include "nats/jetstream_scan.h"

namespace tracking::jetstream {

/// A start, and what a scan from there leaves out.
struct ResolvedStart {
  history::StoredStart stored;
  ScanStart scan;
};

/// Asks the server as far as needed, and waits for its answers until the deadline. The feed runs. `acknowledged`: in
/// the stream at least up to here, as far as we know.
Result<ResolvedStart> resolve_start(Api& api, LiveFeed& feed, EventReader& events, const SubscribeOptions& options,
                                    const StartPoint& point, std::uint64_t acknowledged, Timestamp now,
                                    Api::Deadline deadline);

}  // namespace tracking::jetstream
