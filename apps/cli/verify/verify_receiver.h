// The receiving side of `tracking-cli verify`: a subscription, or the lines of another subscriber on stdin.
#pragma once

#include "delivery_checker.h"
#include "verify_options.h"

#include <tracking/subscriber.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace tracking::cli {

/// Reads on a thread of its own; every function may be called by any.
class VerifyReceiver {
 public:
  static Result<std::unique_ptr<VerifyReceiver>> open(const VerifySettings& settings);
  /// Stops and joins.
  ~VerifyReceiver();

  /// Waits until a hello came for each account. False: not in that time.
  bool wait_hellos(std::chrono::milliseconds time);
  /// Waits until something changed, or `time` is over.
  void wait_change(std::chrono::milliseconds time);

  void expect(VerifyStream stream, std::uint64_t accepted);

  struct State {
    bool is_complete = false;  ///< all that is expected has come, and every stream's end is known
    bool has_any_end = false;
    bool has_ended = false;  ///< nothing more can come
    Status status;           ///< why it ended, or ok
    std::chrono::steady_clock::time_point progressed;
    DeliveryCounts counts;
  };
  State state() const;

 private:
  explicit VerifyReceiver(const VerifySettings& settings);
  void read_subscription();
  void read_stdin();
  void take(const DeliveryView& delivery);
  void take_line(std::string_view line);
  void take_event(std::string_view line);
  bool is_complete() const;
  void finish(Status status);

  const VerifySettings& settings_;
  std::unique_ptr<Subscriber> subscriber_;  // unless stdin is read
  int stop_ = -1;                           // an eventfd: ends the reading of stdin
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  DeliveryChecker checker_;
  std::set<AccountId> greeted_;
  std::uint64_t streams_expected_ = 0;  // as the sender's end says
  bool has_ended_ = false;
  Status status_;
  std::chrono::steady_clock::time_point progressed_ = std::chrono::steady_clock::now();

  std::thread thread_;
};

}  // namespace tracking::cli
