// The sending side of `tracking-cli verify`: lanes that number, send, repeat, and know what was accepted.
#pragma once

#include "verify_event.h"
#include "verify_options.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace tracking::cli {

struct SendCounts {
  std::uint64_t sent = 0;  ///< numbered
  std::uint64_t accepted = 0;
  std::uint64_t sent_again = 0;  ///< further attempts
  std::uint64_t duplicates = 0;  ///< accepted, and the server said that it had been accepted before
};

/// Used by one thread; stop() by any.
class VerifySender {
 public:
  static Result<std::unique_ptr<VerifySender>> open(const VerifySettings& settings);
  /// Stops and joins.
  ~VerifySender();

  /// Sends an uncounted event to each account, by which a receiver knows that it hears this sender.
  Status say_hello();
  void start();
  /// Gives up what is under way.
  void stop();
  /// Waits for the lanes to be done with all. False: not yet.
  bool wait(std::chrono::milliseconds time);

  SendCounts counts() const;
  /// Why it ended early, or ok.
  Status failure() const;
  double seconds() const;

  // After wait() returned true:
  /// 1 .. that were accepted.
  std::uint64_t accepted(VerifyStream stream) const;
  /// Tells receivers in other processes what to expect.
  Status say_end();

 private:
  struct Lane;
  class Batch;

  explicit VerifySender(const VerifySettings& settings);
  void run(Lane& lane);
  bool claim(std::uint64_t& events);
  bool wait_until_due(std::uint64_t position);
  bool send(Lane& lane, std::uint64_t events);
  void fail(const Status& status);
  Status send_all(Lane& lane, VerifyEvent::Kind kind, std::uint64_t number);

  const VerifySettings& settings_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // constant after open(); each is used by its thread, until it has ended
  std::uint64_t hellos_ = 0;
  std::chrono::steady_clock::time_point started_;
  std::atomic<std::uint64_t> claimed_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> sent_again_{0};
  std::atomic<std::uint64_t> duplicates_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false;                        // guarded by mutex_
  std::size_t running_ = 0;                         // guarded by mutex_: lanes
  Status failure_;                                  // guarded by mutex_
  std::chrono::steady_clock::time_point finished_;  // guarded by mutex_
};

}  // namespace tracking::cli
