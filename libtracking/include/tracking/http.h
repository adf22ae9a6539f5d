// Component tracking::http: both doors at a distance, over HTTP.
#pragma once

#include <tracking/tracking.h>

namespace tracking {

/// `http://host[:port]`: Subscriber::open() and TrackingService::connect(). Neither waits for the server to be there.
///
/// **A subscriber** reads `GET /v1/events` on a thread of its own. It connects again for ever, with jittered pauses of
/// up to two seconds, goes on behind the last event, and passes the server's gaps on. A link that is silent for longer
/// than `idle_timeout` counts as lost. While its reader is slow it stops reading, so that the server's bounded buffer
/// for it overflows and the server tells what was dropped. It ends with the server's reason if the request itself is
/// refused (400, 401, 403), or if no tracking server answers at all. Changing its accounts opens the stream again where
/// it was; set_accounts() then asks the server for its position, which takes two seconds at most. BackendContext::log
/// gets a line for each change of the link's state.
///
/// **A service** sends to `POST /v1/events` on `connections` threads: what waits meanwhile goes together as an array.
/// Events of one account stay on one connection, in order. More than ServiceOptions::parked_events_max waiting events
/// are `overloaded`. Each event without an id gets a UUIDv7 here, so that a repeat is harmless: an answer that was lost
/// makes it `in_doubt`, and its receipt has the id to repeat it with. Nothing is repeated behind the caller's back. No
/// connection is `broker_unavailable`, and readiness() says why. The answer to an array has no times, and says only how
/// many events were repeats: then a receipt's timestamp is zero, and `duplicate` is set if all of them were.
///
/// URL parameters, all optional:
/// `admin=http://host:port` (default: the same host, port + 1) and `admin_token`, for the account functions;
/// `retry=off`: the first connection that fails, or is lost, ends a subscription with could_not_connect;
/// `connections` (4); `idle_timeout` (35s), `answer_timeout` (30s), `connect_timeout` (5s).
///
/// With more than about 1,000 descriptors in use cpp-httplib cannot connect (it waits with select).
TRACKING_EXPORT Backend http();

}  // namespace tracking
