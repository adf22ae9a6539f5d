// A publishing lane: validates, asks for accounts, stamps, encodes, and hands to the broker.
#pragma once

#include <tracking/broker.h>
#include <tracking/service.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/account_directory.h"
#include "engine/duplicate_filter.h"
#include "engine/event_ids.h"
#include "engine/pool.h"
#include "engine/sequence_table.h"
#include "engine/striped_counter.h"
#include "sync/biased_mutex.h"

namespace tracking::engine {

/// What all lanes of a service share. Constant after construction, except what is thread-safe by itself.
struct Shared {
  Shared(const ServiceOptions& options, std::shared_ptr<AccountRepository> repository, std::shared_ptr<Broker> broker,
         DirectoryDrive drive);

  const ServiceOptions options;
  const std::shared_ptr<Broker> broker;
  const BrokerTraits traits;
  const AckLevel default_ack;
  const std::size_t data_bytes_max;
  AccountDirectory directory;
  DuplicateFilter duplicates;
  EventIdKey ids;
  StripedCounter settled;  ///< events handed to the broker whose handlers have run
  std::atomic<bool> is_closed{false};

 private:
  void restore_duplicates();
};

/// An event that waits for its account.
struct ParkedEvent : Parked {
  EventSlot slot;
};

/// One call of track(): lives until all of its events have ended and its handler ran.
struct Batch {
  std::span<const Event> events;
  ReceiptHandler done;  // empty unless the call returned before all had ended
  AckLevel ack = AckLevel::broker_default;
  bool stops_at_failure = false;
  std::vector<Receipt> receipts;
  std::vector<EventSlot> slots;    // scratch: the events to be published now
  std::deque<ParkedEvent> parked;  // addresses are given away
  std::atomic<std::size_t> unfinished{0};
  Pool<Batch>* pool = nullptr;  // that it goes back to
  Batch* next_free = nullptr;

  /// `count` of its events ended; the last one runs the handler. No lock may be held.
  void finish(std::size_t count);
  /// The same for the call itself, without which nothing is the last, and which brings the handler.
  void finish_call(std::size_t count, ReceiptHandler&& handler);

 private:
  void end(const ReceiptHandler& handler);
};

class LaneCore;

/// What was handed to the broker in one publish().
class PublishGroup final : public CompletionTarget {
 public:
  PublishGroup() = default;
  void resolve(std::size_t index, const Outcome& outcome) noexcept override;
  void finish(const Outcome& outcome) noexcept override;

 private:
  friend class LaneCore;
  friend class Pool<PublishGroup>;
  enum class State : std::uint8_t { publishing, published, finished, abandoned };

  LaneCore* lane_ = nullptr;
  std::vector<EventSlot> slots_;
  std::vector<Outcome> outcomes_;  // of single lines; empty if none was told; with room for all of them
  std::vector<bool> is_resolved_;  // which of them
  Outcome rest_;                   // of all others
  std::atomic<State> state_{State::publishing};
  PublishGroup* next_free = nullptr;
  PublishGroup* next_finished_ = nullptr;
  PublishGroup* next_abandoned_ = nullptr;
  bool is_abandoned_ = false;          // given up at a deadline; the broker answered after all
  bool is_outstanding_ = false;        // in the lane's list; constant once it is published
  std::size_t outstanding_index_ = 0;  // where in that list; guarded by the lane's mutex
};

/// The lane itself; a Lane handed out is a handle on one. Thread-safe, made for one thread.
class LaneCore final : public ParkedTarget {
 public:
  explicit LaneCore(Shared& shared);

  void track(std::span<const Event> events, ReceiptHandler&& done, TrackOptions options) noexcept;
  void resolved(std::span<Parked* const> parked) noexcept override;

  /// After it returned, no publish() of this lane is under way or will begin; Shared::is_closed is set already.
  void fence() noexcept { const sync::BiasedMutex::Visit lock(mutex_); }
  /// The lane was given back: no track() of the one who had it is about to begin. What it published may still be under
  /// way, on any thread.
  void leave_to_another_thread() noexcept { mutex_.disown(); }
  /// Events that were handed to the broker; Shared counts those of them that were answered.
  std::uint64_t published() const noexcept { return published_.load(std::memory_order_relaxed); }
  std::uint64_t duplicates() const noexcept { return duplicates_.load(std::memory_order_relaxed); }
  /// Ends what the broker did not complete: in doubt.
  void abandon_pending() noexcept;
  /// True while the broker may still call a completion of ours.
  bool has_abandoned() const noexcept { return abandoned_.load(std::memory_order_acquire) > 0; }

  /// Ends a batch that no lane has memory for.
  static void refuse_unseen(std::size_t events, const ReceiptHandler& done, Code code) noexcept;

  LaneCore* next_kept_ = nullptr;  // of the engine

 private:
  friend class PublishGroup;

  // Events handed back at once by the directory.
  static constexpr std::size_t resolved_max = 256;
  // Over many accounts, what is known of one is asked for so many events before it is needed: memory takes as long as a
  // dozen events do, and more ahead than needed costs nothing, as long as the first cache holds it (1 to 4 KiB).
  static constexpr std::size_t accounts_ahead = 32;

  // mutex_ held. Those that return a number say how many of the batch's events have ended, unless they say otherwise.
  Batch* begin(std::span<const Event> events) noexcept;
  std::size_t take(Batch& batch, std::size_t& published, PublishGroup*& finished);
  std::size_t refuse_from(Batch& batch, std::size_t first, Code code);
  std::size_t sort_out(Batch& batch);
  std::size_t park_misses(Batch& batch);
  AccountAnswer park(const EventSlot& slot) noexcept;
  std::size_t take_answer(const EventSlot& slot, AccountAnswer answer, bool& goes_on);
  inline bool check(const Event& event, Receipt& receipt, bool& has_line_breaks) const noexcept;
  /// A repeat does not go on; `ended` is raised unless the first of its kind is still under way.
  bool is_repeat(const EventSlot& slot, std::size_t& ended);
  std::size_t publish(std::span<const EventSlot> slots, PublishGroup*& finished);
  std::size_t publish_some(std::span<const EventSlot> slots, PublishGroup*& finished);
  PublishGroup* prepare(std::span<const EventSlot> slots, std::size_t bytes) noexcept;
  void stamp(const EventSlot& slot, Line& line, char*& out);
  void take_timestamp();
  void begin_timestamp(Timestamp time);
  void next_producer();

  // No lock held.
  void resolve_some(std::span<Parked* const> parked) noexcept;
  std::size_t settle_own(PublishGroup* finished);
  static void settle_deferred();
  static PublishGroup* in_order(PublishGroup* finished) noexcept;
  static void conclude_in_order(PublishGroup* finished);
  void conclude(PublishGroup& group);
  void settle(PublishGroup& group, bool is_abandoned);
  void settle_events(PublishGroup& group, std::size_t begin, std::size_t end, bool is_abandoned);
  void settle_event(const EventSlot& slot, const Outcome& outcome);
  void let_go(PublishGroup& group) noexcept;
  void remove_outstanding(PublishGroup& group) noexcept;  // mutex_ held

  Shared& shared_;
  const std::uint32_t lane_;

  sync::BiasedMutex mutex_;  // belongs to whoever calls track(), all others visit; guards all that follows
  Pool<Batch> batches_;
  Pool<PublishGroup> groups_;
  std::vector<PublishGroup*> outstanding_;  // published, and not completed inline
  std::vector<std::uint32_t> misses_;       // scratch
  std::vector<Line> lines_;                 // scratch
  std::unique_ptr<char[]> text_;            // scratch
  std::size_t text_size_ = 0;
  std::string producer_;
  SequenceTable sequences_;
  Timestamp last_{};
  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();  // that timestamp_text_ is of
  std::uint32_t id_counter_ = 0;
  std::uint32_t ids_of_timestamp_ = 0;
  char timestamp_text_[32];         // of last_
  codec::UuidText::Upper id_part_;  // what the ids of last_ have in common

  std::atomic<std::uint64_t> published_{0};  // written with mutex_ held
  std::atomic<std::uint64_t> duplicates_{0};
  std::atomic<std::uint64_t> abandoned_{0};
};

}  // namespace tracking::engine
