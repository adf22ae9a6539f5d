// The admin listener: accounts, ledger, metrics, health.
#pragma once

#include "server/listener.h"

#include <common/log.h>
#include <tracking/service.h>
#include <tracking/web.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tracking::httpd {

/// Threads of its own, so that what blocks here (the accounts' store) delays no event. start(), stop() and the
/// destructor are called by one thread.
class AdminListener {
 public:
  struct Settings {
    std::string host;
    std::uint16_t port = 0;  ///< 0 = any free one
    std::string token;       ///< empty = none: then only this machine's own programs may write
  };
  /// All of it outlives the listener.
  struct Parts {
    TrackingService& service;
    web::Ledger& ledger;
    const std::vector<std::unique_ptr<LoopMetrics>>& loops;
    apps::Logger& logger;
  };

  /// A taken port is an error that names it. Nothing is served before start().
  static Result<std::unique_ptr<AdminListener>> bind(Settings settings, const Parts& parts);
  ~AdminListener();

  std::uint16_t port() const noexcept;
  void start();
  /// From now on /readyz says 503 and why. Any thread.
  void set_draining() noexcept;
  /// Lets requests under way finish, then ends all threads.
  void stop();

 private:
  struct Impl;
  explicit AdminListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracking::httpd
