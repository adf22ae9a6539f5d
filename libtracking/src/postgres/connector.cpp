#include "postgres/connector.h"

#include <poll.h>

#include <algorithm>
#include <new>

namespace tracking::postgres_accounts {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int oldest_server = 110000;  // EXECUTE FUNCTION in CREATE TRIGGER

/// False if the deadline passed first.
bool wait_for(int socket, short events, Steady::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left <= 0) return false;
    pollfd waiting{.fd = socket, .events = events, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // libpq says what is wrong with the socket
  }
}

Handle start(const Endpoints& endpoints, std::size_t host) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const Endpoints::Parameters* parameters : {&endpoints.hosts[host], &endpoints.common}) {
    for (const auto& [key, value] : *parameters) {
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  Handle handle(PQconnectStartParams(keys.data(), values.data(), 0));
  if (!handle) throw std::bad_alloc();
  return handle;
}

}  // namespace

Result<Handle> connect(const Endpoints& endpoints, std::size_t host, Steady::time_point deadline) {
  const auto failed = [&](const std::string& why) {
    return Status(Code::accounts_unavailable,
                  "The accounts database " + endpoints.name + " cannot be reached: " + why + ".");
  };
  Handle handle = start(endpoints, host);
  PostgresPollingStatusType next =
      PQstatus(handle.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) return failed(endpoints.clean(PQerrorMessage(handle.get())));
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(PQsocket(handle.get()), events, deadline)) return failed("it does not answer");
    next = PQconnectPoll(handle.get());
  }
  if (PQserverVersion(handle.get()) < oldest_server) return failed("it is older than PostgreSQL 11");
  return handle;
}

}  // namespace tracking::postgres_accounts
