// What the connections of one event loop share.
#pragma once

#include <tracking/service.h>
#include <tracking/web.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "server/exchange.h"
#include "server/frame_cache.h"
#include "server/head_scanner.h"
#include "server/inbox.h"
#include "server/listener.h"
#include "server/memory_budget.h"

namespace tracking::httpd {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What all loops share. Constant but for the atomics.
struct Shared {
  Shared(const ListenerSettings& listener_settings, TrackingService& tracking_service, web::Ledger& events_ledger)
      : settings(listener_settings),
        service(tracking_service),
        ledger(events_ledger),
        body_memory(listener_settings.body_memory_bytes_max) {}

  const ListenerSettings settings;
  TrackingService& service;
  web::Ledger& ledger;
  std::atomic<bool> is_draining{false};
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> subscribers{0};
  MemoryBudget body_memory;

  /// Counts a connection out, and tells drain() if that waits for it.
  void connection_closed() noexcept {
    connections.fetch_sub(1);
    if (!is_draining.load()) return;
    const std::lock_guard lock(mutex);
    closed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable closed;
};

/// Adds to a counter that one thread writes and others read: no locked instruction.
template <class T>
void add(std::atomic<std::uint64_t>& counter, T amount) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(amount),
                std::memory_order_relaxed);
}

/// Counts one value in a histogram of this thread's.
void observe(Histogram& histogram, std::chrono::nanoseconds value) noexcept;

/// Everything here belongs to the loop's thread but the inbox.
class LoopContext {
 public:
  LoopContext(Shared& all_loops, LoopMetrics& loop_metrics, std::shared_ptr<Inbox> loop_inbox);

  /// Takes the calling thread for the loop's own.
  void adopt_thread() noexcept { thread_ = std::this_thread::get_id(); }
  /// Reads the clock: once a round of the loop, and when an event was answered.
  void tick() noexcept;
  SteadyTime now() const noexcept { return now_; }
  /// "Date: Mon, 23 Nov 2026 20:24:06 GMT\r\n"
  std::string_view date_line();
  /// How nearly all answers begin: the status line of 202, that line, and Content-Type: application/json.
  std::string_view accepted_lines();

  /// Hands a whole request over; an answer that comes during the call goes straight to the output.
  void post(Exchange& exchange) noexcept;
  /// Ends an NDJSON body; likewise.
  void finish(Exchange& exchange, bool is_whole) noexcept;
  bool is_handing_over(const Exchange& exchange) const noexcept {
    return std::this_thread::get_id() == thread_ && handing_over_ == &exchange;
  }

  /// Accounts for the body's memory; false if there is none left at present.
  bool reserve_body(Exchange& exchange) noexcept;
  void release_body(Exchange& exchange) noexcept;

  Shared& shared;
  const ListenerSettings& settings;
  const HeadLimits head_limits;
  LoopMetrics& metrics;
  const std::shared_ptr<Inbox> inbox;

 private:
  std::unique_ptr<Lane> lane_;  // outlives the routes

 public:
  web::EventRoutes routes;
  ExchangePool exchanges;
  Deliveries deliveries;            ///< for one read at a time
  FrameCache frames;                ///< for streams
  std::string inflated;             ///< for one piece at a time
  std::string problem;              ///< for one problem document at a time
  bool are_streams_ending = false;  ///< no further one is opened

 private:
  void read_date();

  std::thread::id thread_;
  const Exchange* handing_over_ = nullptr;
  SteadyTime now_{};
  std::time_t date_seconds_ = -1;
  std::string date_line_;       // of that second
  std::string accepted_lines_;  // likewise
};

}  // namespace tracking::httpd
