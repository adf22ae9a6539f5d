// A libpq URI, taken apart as far as connecting needs.
#pragma once

#include <tracking/backends.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tracking::postgres_accounts {

/// Where the database is. A value; constant after parse().
struct Endpoints {
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  /// What tells one server from another: `host`, `hostaddr`, `port`, as far as they were given.
  std::vector<Parameters> hosts;  // at least one
  /// All that is common to them, for PQconnectStartParams().
  Parameters common;
  /// The URL without its secrets, for messages.
  std::string name;
  /// What a message must not repeat.
  std::vector<std::string> secrets;
  /// How long to try one server. `connect_timeout` of the URL, or what leaves time to be ready again within two
  /// seconds.
  std::chrono::milliseconds connect_limit{1500};

  static Result<Endpoints> parse(const BackendUrl& url);

  /// A message of libpq or of the server: on one line, and without secrets.
  std::string clean(std::string_view message) const;
};

}  // namespace tracking::postgres_accounts
