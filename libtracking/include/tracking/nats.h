// Component tracking::nats: events over NATS.
#pragma once

#include <tracking/backends.h>

namespace tracking {

/// `nats://host[:port][,host...]`, or `tls://`: core NATS, at most once. Subjects are `tracking.events.<account_id>`,
/// the payload is the event's line. docs/OPERATIONS.md has the parameters of the URL.
///
/// **A broker** connects in the background, and again for ever; opening it waits half a second for the first attempt.
/// Without a link publishing is `broker_unavailable` at once, with a full queue `overloaded`; publishing never blocks.
/// There is no history: a start in the past is a gap `expired`. Subscribing may take a moment (0.8 s at most), in which
/// the server confirms the subscription. Readers are told `disconnected` when the link is lost, `sequence` when numbers
/// of a producer are missing, and `slow_subscriber`.
///
/// **A subscriber** at a distance, Subscriber::open("nats://..."), is live when open() returns, or a second has passed:
/// then it goes live when the server is there. `retry=off`: the first connection that fails, or is lost, ends it with
/// could_not_connect.
///
/// `jetstream://host[:port][,host...]`: a stream, which is made if there is none. The broker gives `stored`, answered
/// by the stream, and has history; cursors hold on every replica. An event that is not answered in time is in_doubt; a
/// repeat with its id doubles nothing. A subscriber at a distance makes no stream, waits until there is one, and loses
/// nothing by being slow: the stream keeps what it has yet to read.
///
/// A service at a distance there is not: NATS checks no accounts. cnats has the process ignore SIGPIPE.
TRACKING_EXPORT Backend nats();

}  // namespace tracking
