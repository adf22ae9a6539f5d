// Component tracking::postgres: accounts in a PostgreSQL database.
#pragma once

#include <tracking/backends.h>

namespace tracking {

/// `postgresql://...` and `postgres://...`: any URI that libpq takes, passed on to it as it is. Opening connects to
/// nothing, so that the database may be absent; the table `accounts` is made when the database is first reached, unless
/// it is there. Changes by anyone hold within a second where the table has its triggers (docs/OPERATIONS.md).
/// PostgreSQL 11 or newer.
TRACKING_EXPORT Backend postgres();

}  // namespace tracking
