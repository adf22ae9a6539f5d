// Sends events on one connection, in their order, as many at a time as came while the request before was under way.
#pragma once

#include "http/connection.h"
#include "http/event_id.h"
#include "http/readiness.h"

#include <tracking/service.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace tracking::remote {

/// One call of track(): completed by whoever brings its last receipt.
class TrackCall {
 public:
  /// Takes `done` only if it does not throw.
  TrackCall(std::span<const Event> events, ReceiptHandler&& done, AckLevel ack)
      : receipts_(events.size()), events_(events), done_(std::move(done)), ack_(ack) {}

  const Event& event(std::size_t index) const { return events_[index]; }
  Receipt& receipt(std::size_t index) { return receipts_[index]; }
  AckLevel ack() const { return ack_; }
  std::size_t size() const { return events_.size(); }

  /// How many receipts are still to come; said before the first can.
  void expect(std::size_t count) { open_ = count; }
  /// One receipt is final. With the last one the handler runs, and the call is gone.
  static void finish_one(TrackCall* call) noexcept;

 private:
  std::vector<Receipt> receipts_;
  const std::span<const Event> events_;
  const ReceiptHandler done_;
  const AckLevel ack_;
  std::atomic<std::size_t> open_{0};
};

/// Counts what is queued or under way, over all senders.
class Backlog {
 public:
  explicit Backlog(std::size_t events_max) : events_max_(events_max) {}
  /// False: there is no room for so many.
  bool enter(std::size_t events);
  void leave(std::size_t events);
  std::size_t size() const;
  /// Waits until nothing is left. False: the time ran out.
  bool wait_empty(std::chrono::milliseconds time);

 private:
  const std::size_t events_max_;
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::size_t events_ = 0;  // guarded by mutex_
};

/// Thread-safe.
class Sender {
 public:
  /// All outlive it.
  Sender(const Endpoint& endpoint, Clock& clock, Backlog& backlog, ReadinessMonitor& readiness);
  /// Stops if that was not done.
  ~Sender();

  struct Item {
    TrackCall* call;
    std::size_t index;
  };
  /// Takes over items that are counted in the backlog already. After stop() they are refused as closed, and without
  /// memory as overloaded.
  void add(std::span<const Item> items) noexcept;
  /// Cuts the request under way, whose events are in doubt then, and refuses what is queued. One thread at a time.
  void stop() noexcept;

 private:
  void run();
  bool take();
  void send(std::span<const Item> items) noexcept;
  void send_one(const Item& item) noexcept;
  void finish(std::span<const Item> items) noexcept;
  void refuse(std::span<const Item> items, Code code) noexcept;
  void make_id(const Item& item);
  Answer exchange(Request request) noexcept;
  bool is_running();

  Clock& clock_;
  Backlog& backlog_;
  ReadinessMonitor& readiness_;
  EventIdMaker ids_;         // used by the thread
  std::vector<Item> items_;  // of the request under way; used by the thread, and of its largest size from the start
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;    // guarded by mutex_
  bool is_stopping_ = false;  // guarded by mutex_
  Connection connection_;
  std::thread thread_;
};

}  // namespace tracking::remote
