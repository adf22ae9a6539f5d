// A real PostgreSQL server for tests: private, on a free loopback port, in a temporary folder, gone at the end.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/free_port.h"

namespace tracking::test {

/// Throws std::runtime_error with the server's own words if it cannot be started. PostgreSQL refuses to run as root:
/// then it runs as user postgres. Used by one thread at a time, except sql().
class PostgresServer {
 public:
  /// One for the whole program, started at its first use.
  static PostgresServer& shared();

  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// A new, empty database; its name.
  std::string new_database();
  /// postgresql://tracking@127.0.0.1:PORT/DATABASE; `query` begins with a question mark.
  std::string url(const std::string& database, const std::string& query = "") const;
  /// Runs statements, and gives the first column of the last one's first row; "" if there is none.
  std::string sql(const std::string& database, const std::string& statements) const;

  void start();
  /// At once, as in a crash: connections break.
  void stop();
  /// Stops all its processes without a word (SIGSTOP): the kernel goes on accepting connections, and nobody answers.
  void freeze();
  void thaw();
  /// What it logged: all statements are in it, and each record begins with the name of the database.
  std::string log() const;
  int port() const noexcept { return port_.number(); }

 private:
  std::vector<pid_t> processes() const;
  void signal_all(int number) const;

  std::filesystem::path folder_;
  FreePort port_;
  pid_t process_ = -1;
  bool is_frozen_ = false;
  int databases_ = 0;
};

}  // namespace tracking::test
