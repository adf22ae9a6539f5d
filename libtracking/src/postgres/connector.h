// Connecting within a limit, which neither libpqxx nor a blocking libpq can do below two seconds.
#pragma once

#include <tracking/status.h>

#include <libpq-fe.h>

#include <chrono>
#include <memory>

#include "postgres/endpoints.h"

namespace tracking::postgres_accounts {

struct CloseHandle {
  void operator()(PGconn* handle) const noexcept { PQfinish(handle); }
};
using Handle = std::unique_ptr<PGconn, CloseHandle>;

/// A connection to endpoints.hosts[host], or why there is none. Only resolving a host's name may take longer than
/// `deadline`.
Result<Handle> connect(const Endpoints& endpoints, std::size_t host, std::chrono::steady_clock::time_point deadline);

}  // namespace tracking::postgres_accounts
