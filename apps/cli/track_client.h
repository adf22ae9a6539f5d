// Sends events and repeats what is safe to repeat, for as long as it was told to.
#pragma once

#include <tracking/service.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tracking::cli {

struct TrackSettings {
  std::string url = "http://127.0.0.1:8080";
  AckLevel ack = AckLevel::broker_default;
  bool retries = true;
  std::chrono::milliseconds retry_time{0};  ///< without any progress
  unsigned connections = 0;                 ///< 0 = as many as the URL says
};

/// Used by one thread; stop() by any.
class TrackClient {
 public:
  static Result<std::unique_ptr<TrackClient>> open(const TrackSettings& settings);
  ~TrackClient();

  /// Sends all, in order, and returns when each was accepted, refused for good, or given up. An event that the server
  /// did not accept for a reason that may pass is sent again; one whose answer was lost too, with the id that it had,
  /// so that it is not doubled. Every later event of the batch waits for it. `sends_again` is called with the index of
  /// an event before each further attempt, and may then change the bytes of its data in place.
  std::vector<Receipt> track(std::vector<Event> events, const std::function<void(std::size_t)>& sends_again = {});

  /// track() gives up what is not answered. At once, if nothing is under way.
  void stop();

  /// Why there was no connection, or ok.
  Status connection() { return service_->readiness().broker; }

 private:
  TrackClient(std::unique_ptr<TrackingService> service, const TrackSettings& settings)
      : service_(std::move(service)), settings_(settings) {}
  bool wait_before_retry(Code code, std::chrono::steady_clock::time_point deadline);

  const std::unique_ptr<TrackingService> service_;
  const TrackSettings settings_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;  // guarded by mutex_
  std::chrono::milliseconds pause_{0};
  Code said_ = Code::ok;  // the trouble told last
};

}  // namespace tracking::cli
