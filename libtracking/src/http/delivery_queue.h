// What the reading thread leaves for the consumer of a subscription at a distance.
#pragma once

#include "http/account_filter.h"

#include <tracking/subscription.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tracking::remote {

/// Deliveries that came in one piece of the stream, with the bytes that they consist of.
struct DeliveryBlock {
  struct Entry {
    std::size_t json_offset = 0;
    std::size_t json_size = 0;
    std::size_t cursor_offset = 0;
    std::size_t cursor_size = 0;
    AccountId account_id = 0;
    Timestamp timestamp{};
    std::ptrdiff_t gap = -1;  ///< index in gaps, or -1 for an event
  };

  std::string bytes;
  std::vector<Entry> entries;
  std::vector<Gap> gaps;

  std::string_view json(const Entry& entry) const {
    return std::string_view(bytes).substr(entry.json_offset, entry.json_size);
  }
  std::string_view cursor(const Entry& entry) const {
    return std::string_view(bytes).substr(entry.cursor_offset, entry.cursor_size);
  }
};

/// What the next stream is to ask for.
struct StreamPlan {
  std::vector<AccountId> account_ids;  ///< empty = every account
  std::uint64_t generation = 0;        ///< of the filter
  std::string position;                ///< where the stream before it came to; empty = there was none
};

/// Bounded by bytes: push() waits while the consumer is slow, so that the stream is not read, the server's buffer for
/// it overflows, and the server tells what it dropped. Thread-safe; see the groups for who calls what.
class DeliveryQueue {
 public:
  struct Limits {
    std::size_t bytes_max;
    std::uint64_t events_max;  ///< ends after so many; 0 = never
  };
  /// `asked` is where the subscription was told to start, if that is a cursor.
  DeliveryQueue(AccountFilter filter, const Limits& limits, std::string asked, Wake wake);

  // The reading thread. What throws std::bad_alloc has changed nothing but what is said.
  /// If it throws, the plan is of no use, but of the present generation.
  void make(StreamPlan& plan) const;
  /// Takes the block, and the positions at which its stream began (empty = not known) and behind it. False: the filter
  /// was changed since the plan was made, or the queue was closed; the block is dropped then, and comes again with the
  /// next stream. Throws.
  bool push(std::shared_ptr<const DeliveryBlock> block, const std::string& start, const std::string& position,
            std::uint64_t generation);
  /// No stream will follow: the consumer reads what is left and then gets this status.
  void end(Status status) noexcept;
  /// Waits; returns early when the filter changes or the queue is closed.
  void pause(std::chrono::milliseconds time, std::uint64_t generation) noexcept;

  // The consumer.
  /// Without memory nothing is read, and it ends: who resumes at the cursor is handed what this was about to.
  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept;
  bool adds(std::span<const AccountId> account_ids) const noexcept;
  bool is_same(std::span<const AccountId> account_ids) const;  ///< throws
  /// If it throws, nothing has changed.
  void change_accounts(std::span<const AccountId> account_ids, const StartMark& mark);
  std::string cursor() const;
  Status status() const;

  // Any thread.
  bool is_open() const noexcept;
  /// True while a stream with a plan of this generation is wanted.
  bool is_current(std::uint64_t generation) const noexcept;
  /// What is queued is dropped, and the consumer is told the end.
  void close() noexcept;
  /// After it returned, `wake` is not called again.
  void stop_waking() noexcept;

 private:
  struct Place {
    std::shared_ptr<const DeliveryBlock> block;
    std::size_t next = 0;
  };
  /// How far a read came, before the queue follows it.
  struct Reading {
    std::size_t places = 0;        // read to their end
    std::size_t next = 0;          // in the place after those
    std::uint64_t events = 0;      // with all reads before
    std::string_view handed = {};  // the cursor of the last delivery, in its block
  };
  void wake_if(bool is_due);
  Reading hand_out(Deliveries& out, std::size_t events_max, std::size_t bytes_max) const;
  void follow(const Reading& reading);
  void drop_places() noexcept;

  const Limits limits_;
  const std::string asked_;
  const Wake wake_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // room was made, the filter changed, or it was closed; a wake ended
  // All guarded by mutex_.
  AccountFilter filter_;
  std::uint64_t generation_ = 0;
  std::deque<Place> places_;
  std::size_t bytes_queued_ = 0;
  std::string start_;     // of the first stream; empty = not known
  std::string position_;  // behind the last block queued
  std::string handed_;    // behind the last delivery read
  std::uint64_t events_read_ = 0;
  bool is_closed_ = false;
  bool has_ended_ = false;
  Status status_;
  bool is_wake_due_ = false;  // the consumer saw `idle`
  bool may_wake_ = true;
  int wakes_running_ = 0;
};

}  // namespace tracking::remote
