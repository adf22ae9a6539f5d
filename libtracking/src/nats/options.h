// What a nats:// or jetstream:// URL says about the servers and how to be let in.
#pragma once

#include <tracking/backends.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tracking::nats_io {

/// `nats://[user[:password]@]host[:port][,host[:port]...]?key=value`. Names follow the nats command line tool.
struct Options {
  std::vector<std::string> servers;  ///< "nats://host:port", without users and passwords
  std::string user;
  std::string password;
  std::string token;
  std::filesystem::path password_file;     ///< read again at each connect, so that it may change
  std::filesystem::path token_file;        ///< read again at each connect
  std::filesystem::path nkey_file;         ///< seed of the nkey whose public part is `user`; read at each connect
  std::filesystem::path credentials_file;  ///< JWT and seed, as `nsc` writes it; read again at each connect
  bool wants_tls = false;
  std::filesystem::path tls_ca;
  std::filesystem::path tls_cert;
  std::filesystem::path tls_key;
  std::string prefix = "tracking.events";  ///< subjects are `<prefix>.<account_id>`
  std::string name = "tracking";           ///< of the connection, for the server's monitoring
  bool retries = true;                     ///< `retry=off`: the first connection that fails ends a subscriber
  std::string redacted;                    ///< the URL, for messages

  /// "tracking.events.*"
  std::string wildcard() const { return prefix + ".*"; }
};

/// Parameters that are none of a connection's are left in `others`, for the backend to take or to refuse by
/// unknown_parameter(). invalid_parameter names what is wrong, without secrets; files that cannot be read are wrong.
Result<Options> parse_options(const BackendUrl& url, std::multimap<std::string, std::string>& others);

/// The error for a parameter that nobody takes. `known_others` are the backend's own, such as ", stream".
Status unknown_parameter(const Options& options, const std::string& key, std::string_view known_others = "");

/// The first line of a file that holds a secret, without its end.
Result<std::string> read_secret(const std::filesystem::path& path);

}  // namespace tracking::nats_io
