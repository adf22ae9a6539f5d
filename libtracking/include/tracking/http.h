// Component tracking::http: both doors at a distance, over HTTP.
#pragma once

#include <tracking/tracking.h>

namespace tracking {

/// `http://host[:port]`: Subscriber::open() and TrackingService::connect().
///
/// A subscriber reads `GET /v1/events` as a stream on a thread of its own, reconnects with jittered back-off, resumes
/// after its last cursor, and tells gaps. A service sends to `POST /v1/events` on threads of its own.
/// URL parameters: `admin=http://host:port` (default: the same host, port + 1) for the account functions;
/// `retry=off`: the first connection that fails ends it with could_not_connect.
/// `admin_token`: the bearer token of the admin listener.
TRACKING_EXPORT Backend http();

}  // namespace tracking
