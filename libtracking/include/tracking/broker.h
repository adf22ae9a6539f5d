// What a broker implements: publish() alone is enough.
#pragma once

#include <tracking/event.h>
#include <tracking/status.h>
#include <tracking/subscription.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace tracking {

/// One stamped event, encoded. `json` is the event line (one line, no line break at its end) that subscribers get.
struct Line {
  std::string_view json = {};  ///< the event line: what subscribers get
  AccountId account_id = 0;    ///< whose event it is
  std::string_view id = {};    ///< the event's id
  Timestamp timestamp{};       ///< when the service accepted it
  std::uint64_t sequence = 0;  ///< its number among those of its producer and account
};

/// A batch of lines of one producer, in order; valid only during the call that it is handed to.
class Lines {
 public:
  /// Borrows the lines.
  Lines(std::span<const Line> lines, AckLevel ack) noexcept : lines_(lines), ack_(ack) {}
  /// A range of lines.
  ///@{
  auto begin() const noexcept { return lines_.begin(); }
  auto end() const noexcept { return lines_.end(); }
  std::size_t size() const noexcept { return lines_.size(); }
  const Line& operator[](std::size_t index) const noexcept { return lines_[index]; }
  ///@}
  /// The level asked for; never one that the broker's traits exclude.
  AckLevel ack() const noexcept { return ack_; }

 private:
  std::span<const Line> lines_;
  AckLevel ack_;
};

/// What became of one line.
struct Outcome {
  Code code = Code::ok;                                    ///< ok, a retriable code, in_doubt, or too_large
  AckLevel ack = AckLevel::sent;                           ///< if ok: the level reached
  bool duplicate = false;                                  ///< if ok: the broker knew the key already
  std::optional<Timestamp> first_accepted = std::nullopt;  ///< of a duplicate, if the broker knows it
};

/// Where outcomes go; the engine's side of a Completion. Backends do not see it.
class CompletionTarget {
 public:
  /// This is the outcome of one line; at most once each.
  virtual void resolve(std::size_t index, const Outcome& outcome) noexcept = 0;
  /// All lines that have no outcome yet get this one; nothing is called after it.
  virtual void finish(const Outcome& outcome) noexcept = 0;

 protected:
  ~CompletionTarget() = default;
};

/// The promise to say what became of each line of a publish(). Move it to wherever the answer will come from and call
/// it there: on any thread, one at a time. Dropped, it says in_doubt for every line without an outcome: each batch is
/// completed exactly once, whatever happens.
class TRACKING_EXPORT Completion {
 public:
  /// For the engine, and for tests of brokers: `target` outlives it.
  explicit Completion(CompletionTarget& target) noexcept : target_(&target) {}
  Completion(Completion&& other) noexcept : target_(other.target_) { other.target_ = nullptr; }
  Completion& operator=(Completion&& other) noexcept;
  ~Completion();

  /// Every line without an outcome was accepted at that level.
  void all(AckLevel ack) noexcept { finish({.code = Code::ok, .ack = ack}); }
  /// Every line without an outcome failed so.
  void all(Code code) noexcept { finish({.code = code}); }
  /// The outcome of one line, at most once each; all() or the destructor ends the batch.
  void one(std::size_t index, const Outcome& outcome) noexcept {
    if (target_) target_->resolve(index, outcome);
  }

 private:
  void finish(const Outcome& outcome) noexcept {
    if (auto* target = target_) {
      target_ = nullptr;
      target->finish(outcome);
    }
  }

  CompletionTarget* target_;
};

/// What a broker can do.
struct BrokerTraits {
  bool gives_sent = true;     ///< AckLevel::sent can be asked for
  bool gives_stored = false;  ///< AckLevel::stored can be asked for
  /// It keeps events that a subscription can start from.
  bool has_history = false;
  /// The longest line that it takes.
  std::size_t line_bytes_max = 1 << 20;
};

/// Counters of a broker since it was opened.
struct BrokerStats {
  std::uint64_t subscriptions = 0;           ///< open at this moment
  std::uint64_t missed_slow_subscriber = 0;  ///< events dropped because a subscriber was slow
  std::uint64_t history_events = 0;          ///< held at this moment
  std::uint64_t history_bytes = 0;           ///< held at this moment
  std::uint64_t foreign_messages = 0;        ///< messages by others that are no events, and were skipped
  std::uint64_t connects = 0;                ///< links made to a broker elsewhere, the first one included
  std::uint64_t refused_full = 0;            ///< events that the broker refused because it is full
  std::uint64_t acks_timed_out = 0;          ///< events in doubt because the broker did not answer in time
};

/// Gets the events that a broker has kept, one by one; the line is valid during the call.
using RecentVisitor = std::function<void(const Line&)>;

/// Takes events to subscribers. publish() is called by many threads at once, but the lines of one producer always by
/// one at a time and in the order of their sequences. Nothing may throw.
class TRACKING_EXPORT Broker {
 public:
  Broker() = default;
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  virtual ~Broker();

  /// Takes the lines, which are borrowed for the call, and sees that `done` is called. Never blocks: a full queue is
  /// Code::overloaded at once. Order is per producer: what it called first goes first.
  virtual void publish(Lines lines, Completion done) noexcept = 0;

  /// Constant after construction. The default: sent only, no history.
  virtual BrokerTraits traits() const noexcept;

  /// Opens a subscription; may block for a moment. The default: Code::unsupported. The broker outlives it.
  virtual Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept;

  /// What the service asks when it is opened, so that repeats of events that were accepted before are recognised:
  /// visits those that are not older than `since`, but at most the last `events_max`, in their order. Lines have at
  /// least account, id and timestamp. The default: visits none, as is right for a broker that keeps nothing or knows
  /// repeats itself.
  virtual void recent(Timestamp since, std::size_t events_max, const RecentVisitor& visit) noexcept;

  /// Ok if events can be published now, else broker_unavailable with the reason. Never blocks.
  virtual Status health() noexcept;

  /// Counters since it was opened; the default: all zero. Never blocks.
  virtual BrokerStats stats() noexcept;

  /// Flushes what was taken, and completes all that is pending, by the deadline at the latest. publish() is not called
  /// afterwards.
  virtual Status close(std::chrono::milliseconds deadline) noexcept;
};

}  // namespace tracking
