// Events that were handed to JetStream and wait for its acknowledgement.
#pragma once

#include <tracking/broker.h>
#include <tracking/clock.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nats/publish_queue.h"

namespace tracking::jetstream {

/// What the stream answered for one event.
struct PubAck {
  Code code = Code::ok;          ///< or broker_unavailable, too_large, in_doubt
  bool is_duplicate = false;     ///< its id was known
  bool is_full = false;          ///< refused because the stream is full
  std::uint64_t position = 0;    ///< in the stream, if code is ok
  std::string_view reason = {};  ///< of a failure, in the server's words; a view of the answer
};

/// Reads the answer. What cannot be understood is in_doubt.
PubAck read_pub_ack(std::string_view answer) noexcept;

/// Correlates events with acknowledgements by numbers of its own: an acknowledgement comes on a subject that ends with
/// the event's number. Numbers are handed out in order from a window; full = overloaded, at once. What is not answered
/// in time is in doubt. Every completion is called exactly once, with no lock held. Thread-safe; see who calls what.
class Publisher {
 public:
  struct Counters {
    std::uint64_t full = 0;       ///< refused because the stream is full
    std::uint64_t timed_out = 0;  ///< not answered in time
  };
  static constexpr std::size_t window = 1 << 15;  ///< events that wait for an answer: half a second of a busy server

  Publisher(std::chrono::milliseconds ack_wait, Clock& clock);

  // Publishing threads.
  void publish(const Lines& lines, Completion done) noexcept;

  // The connection's keeper.
  void open(std::size_t line_bytes_max) noexcept;
  /// Nothing is taken from here on; what is under way goes on.
  void stop() noexcept;
  /// The same for good.
  void end() noexcept { queue_.end(); }
  /// The link is gone: what was written to it is in doubt, what was not has failed.
  void disconnect() noexcept;
  /// Ends what is under way: in doubt. Of what is in the queue some may still be published.
  void give_up() noexcept;
  /// Ends what waits for longer than the ack wait. Called about once a second: it ends an event up to so much earlier.
  void expire() noexcept;

  // The I/O thread.
  bool has_output() noexcept { return queue_.has_messages(); }
  struct Message {
    AccountId account_id = 0;
    std::string_view json = {};
    std::uint64_t number = 0;  ///< 0 = no answer is wanted
  };
  bool next(Message& message) noexcept;
  /// After some calls of next().
  void written() noexcept { queue_.tell_near(); }
  /// cnats did not take it.
  void fail(std::uint64_t number, Code code) noexcept { settle(number, {.code = code}); }
  void acknowledge(std::uint64_t number, const PubAck& ack) noexcept;
  /// The stream knew it already; and when it was accepted first, if that could be found out. Any thread.
  void acknowledge_repeat(std::uint64_t number, std::optional<Timestamp> first) noexcept;
  /// Somebody's event found no stream; NATS does not say whose. Once as many such answers came as events wait, it was
  /// theirs.
  void no_stream() noexcept;

  // Any thread.
  /// Between open() and what ends it.
  bool is_open() const noexcept { return queue_.is_open(); }
  /// Waits until nothing is under way. False: time is up.
  bool wait_until_idle(std::chrono::milliseconds time) noexcept;
  /// In the stream at least up to here: the highest position that was acknowledged to us.
  std::uint64_t acknowledged_position() const noexcept { return acknowledged_.load(std::memory_order_acquire); }
  Counters counters() const noexcept;
  /// Why the last event was refused, if one was since the last call.
  std::string take_refusal();

 private:
  struct Group {
    std::optional<Completion> done;
    std::uint32_t unanswered = 0;
    std::chrono::nanoseconds deadline{};
    std::vector<std::pair<std::uint32_t, Outcome>> others;  // that are not plainly stored
    bool has_lost_outcome = false;  // there was no memory for one: all that have none are in doubt
    Group* next_finished = nullptr;
  };
  /// Groups to be completed, in order. They lead to one another: to end them needs no memory.
  class Finished {
   public:
    void add(Group& group) noexcept {
      *(last_ ? &last_->next_finished : &first_) = &group;
      last_ = &group;
    }
    bool empty() const noexcept { return !first_; }
    Group* take() noexcept {
      Group* const group = first_;
      if (!group) return nullptr;
      first_ = std::exchange(group->next_finished, nullptr);
      if (!first_) last_ = nullptr;
      return group;
    }

   private:
    Group* first_ = nullptr;
    Group* last_ = nullptr;
  };
  struct Slot {
    Group* group = nullptr;  // nullptr: answered
    std::uint32_t index = 0;
  };

  /// Lines that went into the queue together, and the first one's number, or 0.
  struct Run {
    std::uint64_t lines = 0;
    std::uint64_t number = 0;
  };

  // mutex_ held.
  bool take_in(const Lines& lines, const nats_io::PublishQueue::Pushed& pushed, Group& group) noexcept;
  Group& take_group();
  Slot& slot(std::uint64_t number) { return slots_[number % window]; }
  /// Returns the group if this was its last one.
  Group* end(Slot& slot, const Outcome& outcome) noexcept;
  void end_up_to(std::uint64_t last, Code code, Finished& finished) noexcept;
  void end_those_without_stream(Finished& finished) noexcept;
  void advance() noexcept;

  // No lock held.
  void settle(std::uint64_t number, const Outcome& outcome) noexcept;
  void complete(Group& group) noexcept;
  void complete(Finished finished) noexcept;

  const std::chrono::nanoseconds patience_;
  Clock& clock_;
  nats_io::PublishQueue queue_;
  std::atomic<std::uint64_t> written_{0};       // the highest number that next() gave
  std::atomic<std::uint64_t> acknowledged_{0};  // the highest position
  std::atomic<std::uint64_t> sent_queued_{0};   // lines in the queue that want no answer
  std::atomic<std::uint64_t> full_{0};
  std::atomic<std::uint64_t> timed_out_{0};

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::deque<Run> runs_;  // in the queue
  std::deque<Group> groups_;
  std::vector<Group*> free_groups_;
  std::vector<Slot> slots_;
  std::uint64_t oldest_ = 1;  // the first number that may be unanswered
  std::uint64_t next_ = 1;    // to be handed out
  std::uint64_t unanswered_ = 0;
  std::uint64_t no_stream_ = 0;  // such answers, of which it is not known yet whose they are
  bool has_expired_ = false;     // an answer may come that nobody waits for any more
  std::string refusal_;

  Run run_;  // being read; the I/O thread's
};

}  // namespace tracking::jetstream
