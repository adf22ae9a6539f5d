// Deadlines for calls that have none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace tracking::postgres_accounts {

/// libpq waits for an answer without a limit, and a frozen server, or a network that swallows packets, never sends one.
/// So while a call runs its socket is watched, and shut down when it takes too long: whatever the call was doing then
/// fails at once, as if the server had hung up. Thread-safe. One thread, started at the first use.
class Watchdog {
 public:
  Watchdog() = default;
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// One call. The socket must stay open for as long as this lives.
  class Guard {
   public:
    Guard(Watchdog& watchdog, int socket, std::chrono::milliseconds limit);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    /// The limit passed, and the socket was shut down.
    bool is_overdue() const;

   private:
    friend class Watchdog;
    Watchdog& watchdog_;
    const int socket_;
    const std::chrono::steady_clock::time_point deadline_;
    bool is_overdue_ = false;  // guarded by watchdog_.mutex_
  };

 private:
  void run();

  std::mutex mutex_;  // guards all that follows
  std::condition_variable changed_;
  std::vector<Guard*> guards_;  // a handful: one a connection
  std::chrono::steady_clock::time_point wakes_at_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace tracking::postgres_accounts
