// The inside of NdjsonIntake.
#pragma once

#include <tracking/web.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "web/ack_levels.h"
#include "web/batch_report.h"
#include "web/line_batch.h"
#include "web/line_gate.h"

namespace tracking::web {

/// Shared by the one who feeds and the batches in flight, so that each may outlive the other. Reading is the feeding
/// thread's; what outcomes touch is guarded by mutex_.
struct NdjsonIntake::Impl final : LineGate::Waiter, std::enable_shared_from_this<NdjsonIntake::Impl> {
 public:
  using Feed = NdjsonIntake::Feed;

  /// An intake whose query asks for an ack level that cannot be given is born stopped.
  static std::shared_ptr<Impl> make(EventRoutes::Impl& routes, std::string_view query, Reply* reply);
  explicit Impl(EventRoutes::Impl& routes, Reply* reply);
  ~Impl();

  void set_ack(AckLevel ack) noexcept { ack_ = ack; }
  void set_resume(Wake resume) { resume_ = std::move(resume); }
  Feed feed(std::string_view piece) noexcept;
  void finish(bool is_whole) noexcept;
  /// No call out is made any more, and none is under way when this returns (unless it was called from within it).
  void abandon() noexcept;
  std::size_t bytes_held() const noexcept;

 private:
  // Reading, by the feeding thread. These may throw bad_alloc.
  void read(std::string_view piece);
  void read_end_of_line(std::string_view rest_of_line);
  void add_line(std::string_view line);
  void add_oversized_line();
  LineBatch& filling();
  void dispatch();
  /// Hands over what waits, as far as the gate lets it in. After the body's end by whoever lets it in.
  void hand_over();
  void hand_over_rest() noexcept;
  void entered() noexcept override;
  /// Counts a request that gave no event, if it is one.
  void count_no_lines() noexcept;

  // Outcomes, by any thread.
  void complete(LineBatch& batch, std::span<const Receipt> receipts) noexcept;
  void fold_finished() noexcept;
  /// Calls whoever has something to be told, one call at a time, without the lock.
  void call_out(std::unique_lock<std::mutex>& lock) noexcept;
  bool is_reply_due() const noexcept {
    return has_ended_ && !has_replied_ && in_order_.empty() && (ready_.empty() || is_stopped_);
  }
  void send_reply(Reply& reply) noexcept;
  /// Nothing: there is more to hand over.
  std::optional<Feed> state() noexcept;
  void stop_for_want_of_memory() noexcept;
  bool is_over(std::size_t divisor) const noexcept;

  Lane& lane_;
  Ledger& ledger_;
  const Limits limits_;
  const AckLevels acks_;
  const std::shared_ptr<LineBatchPool> batches_;
  const std::shared_ptr<LineGate> gate_;
  AckLevel ack_ = AckLevel::broker_default;
  Wake resume_;  // set before the first feed

  // The feeding thread's.
  std::string partial_;                 // a line begun
  bool is_skipping_ = false;            // it is too long already, and skipped to its end
  std::unique_ptr<LineBatch> filling_;  // nullptr while there is no line

  std::atomic<bool> is_stopped_ = false;
  std::atomic<std::size_t> bytes_in_flight_ = 0;  // those that wait for the gate included, as below

  std::mutex mutex_;
  std::condition_variable call_ended_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<LineBatch>> ready_;    // not yet handed over; of one piece at most
  bool is_waiting_ = false;                          // the first of them, for the gate
  bool has_entered_ = false;                         // the first of them is in
  std::shared_ptr<Impl> self_;                       // while lines wait of a body that has ended
  bool has_lines_ = false;                           // lines were handed over, or the request counted without any
  std::deque<std::unique_ptr<LineBatch>> in_order_;  // handed over and not yet told
  std::size_t events_in_flight_ = 0;
  BatchReport report_;
  std::string answer_;
  Code refusal_ = Code::ok;  // of the request as a whole
  std::string refusal_detail_;
  bool is_out_of_memory_ = false;  // what came behind the batches that were handed over was not read
  Reply* reply_;
  bool has_ended_ = false;
  bool has_replied_ = false;
  bool is_paused_ = false;
  bool resume_due_ = false;
  bool is_abandoned_ = false;
  bool is_calling_ = false;
  std::thread::id calling_thread_;
};

}  // namespace tracking::web
