// A real nats-server on a free loopback port, in a folder of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "support/free_port.h"

namespace tracking::test {

/// Not started by its constructor, so that a test may begin without a server; the port stays the same over restarts.
/// The destructor ends the server and removes the folder. Used by the main thread of a test: the server dies with it.
class NatsServer {
 public:
  struct Options {
    bool with_jetstream = false;  ///< its store is in folder() / "jetstream", and survives a restart
    std::string config = {};      ///< lines for its configuration file, such as `max_payload: 8KB`
  };
  NatsServer();
  explicit NatsServer(Options options);
  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  /// Starts it and waits until it takes connections. Throws std::runtime_error with its log if it does not.
  void start();
  /// Starts it with another configuration.
  void start(const std::string& config);
  /// SIGTERM, and waits.
  void stop();
  /// SIGKILL, and waits.
  void kill();
  /// SIGSTOP: connections stay, nothing is answered.
  void freeze();
  void thaw();
  /// Has it read a changed configuration (SIGHUP).
  void reload(const std::string& config);

  /// "nats://127.0.0.1:4222" or, with `user` ("name:password@"), with these before the host.
  std::string url(const std::string& user = "", const std::string& scheme = "nats") const;
  std::uint16_t port() const { return port_.number(); }
  const std::filesystem::path& folder() const { return folder_; }
  std::string log() const;

 private:
  void write_config() const;
  void wait_until_listening();
  void end(int signal);

  Options options_;
  std::filesystem::path folder_;
  FreePort port_;
  pid_t process_ = -1;
};

}  // namespace tracking::test
