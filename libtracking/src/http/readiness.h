// What is known of the server, from the last contact with it.
#pragma once

#include "http/connection.h"

#include <tracking/service.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tracking::remote {

/// Thread-safe. Asks /readyz every second on a thread of its own, from the first question on.
class ReadinessMonitor {
 public:
  explicit ReadinessMonitor(const Endpoint& endpoint);
  ~ReadinessMonitor();

  /// Never blocks. Before the first contact: not_ready.
  Readiness latest();
  /// A request came this far.
  void note(const Answer& answer);
  /// Ends the thread. Idempotent.
  void stop() noexcept;

 private:
  void run();
  void ask();
  bool is_running();
  void set(const Status& status);

  const Address address_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  Readiness latest_;          // guarded by mutex_
  bool is_started_ = false;   // guarded by mutex_
  bool is_stopping_ = false;  // guarded by mutex_
  Connection connection_;
  std::thread thread_;  // guarded by mutex_
};

}  // namespace tracking::remote
