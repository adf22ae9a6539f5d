// The newest events of the stream, in memory, for all live subscribers of this process.
#pragma once

#include <condition_variable>
#include <mutex>

#include "history/event_history.h"
#include "nats/jetstream_event.h"
#include "nats/jetstream_readers.h"

namespace tracking::jetstream {

/// Reads the stream's end into a history while anyone is subscribed, and for a while afterwards, so that subscribers
/// that come back find their place in memory. Thread-safe; see who calls what.
class LiveFeed {
 public:
  struct Shared {
    Api& api;
    ReaderSet& readers;
    EventReader& events;
    Clock& clock;
  };
  LiveFeed(const Shared& shared, std::size_t history_bytes_max);
  ~LiveFeed();

  const std::shared_ptr<history::EventHistory>& history() const noexcept { return history_; }

  // Subscribing threads.
  /// Keeps it running. Released by release().
  void retain() noexcept;
  void release() noexcept;
  bool has_users() const noexcept { return users_.load(std::memory_order_acquire) > 0; }
  /// Makes sure that it runs: everything after history()->extent().next - 1 will come.
  Status begin(Api::Deadline deadline);
  /// Waits until all before `position` is in the history. False: time is up.
  bool wait_for(std::uint64_t position, Api::Deadline deadline);
  /// Reads this subject alone from now on; empty = all of them.
  void set_filter(std::string filter);

  // The keeper.
  /// Looks whether the stream is still the one that is read, and ends what nobody wants any more. `position` is
  /// position() as it was before the stream was asked. If it throws, nothing has changed.
  void keep(const StreamInfo& info, std::uint64_t position);
  std::uint64_t position() const { return history_->extent().next; }

 private:
  class Sink;
  using Time = std::chrono::steady_clock::time_point;

  /// Whose turn it is to look after the reader, which may take calls of the API. A flag rather than a mutex with a
  /// deadline, which ThreadSanitizer does not know (pthread_mutex_clocklock, GCC 12).
  class Turn {
   public:
    Turn(LiveFeed& feed, Api::Deadline deadline);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    explicit operator bool() const noexcept { return is_ours_; }

   private:
    LiveFeed& feed_;
    bool is_ours_ = false;
  };

  // By whose turn it is.
  Result<std::unique_ptr<ReaderSet::Handle>> reader_from(std::uint64_t position);
  void stop();

  const Shared shared_;
  const std::shared_ptr<history::EventHistory> history_;
  const std::shared_ptr<Sink> sink_;

  std::mutex mutex_;
  std::condition_variable turn_ended_;
  bool is_taken_ = false;  // guarded by mutex_

  // Of whose turn it is.
  std::unique_ptr<ReaderSet::Handle> reader_;
  std::string filter_;
  Time unused_since_{};

  std::atomic<int> users_{0};
};

}  // namespace tracking::jetstream
