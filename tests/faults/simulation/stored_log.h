// What the broker really has: the other side of every answer.
#pragma once

#include <tracking/broker.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "faults/simulation/random.h"

namespace tracking::simulation {

/// Each event's data begins with a number of its own.
std::uint64_t serial_of(std::string_view line);

/// An event as it lies in the broker; its index + 1 is its position.
struct Stored {
  std::uint64_t serial = 0;
  AccountId account_id = 0;
  std::string producer;
  std::uint64_t sequence = 0;
};

/// The broker at the bottom: one in memory, of which it keeps a list, and whose answers it may lose: then events are
/// stored, and in doubt. One thread.
class RecordingBroker final : public Broker {
 public:
  RecordingBroker(std::unique_ptr<Broker> memory, Random& random) : memory_(std::move(memory)), random_(random) {}

  void publish(Lines lines, Completion done) noexcept override;
  BrokerTraits traits() const noexcept override { return {.gives_stored = true, .has_history = true}; }
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override {
    return memory_->subscribe(options, std::move(wake));
  }
  BrokerStats stats() noexcept override { return memory_->stats(); }
  Status close(std::chrono::milliseconds deadline) noexcept override { return memory_->close(deadline); }

  void set_answers_lost_percent(unsigned percent) noexcept { answers_lost_percent_ = percent; }

  const std::vector<Stored>& log() const noexcept { return log_; }
  bool has(std::uint64_t serial) const { return levels_.count(serial) > 0; }
  AckLevel level(std::uint64_t serial) const { return levels_.at(serial); }
  /// What was broken in what came, if anything.
  const std::string& complaint() const noexcept { return complaint_; }

 private:
  void record(const Line& line, AckLevel level);

  const std::unique_ptr<Broker> memory_;
  Random& random_;
  unsigned answers_lost_percent_ = 0;
  std::vector<Stored> log_;
  std::unordered_map<std::uint64_t, AckLevel> levels_;  // by serial
  std::map<std::pair<std::string, AccountId>, std::uint64_t> sequences_;
  std::map<std::string, Timestamp> timestamps_;
  std::string complaint_;
};

/// On top of all other brokers: sees what the engine decided to accept, at the moment when it did.
class WatchedBroker final : public Broker {
 public:
  using Watcher = std::function<void(const Line&)>;
  WatchedBroker(std::unique_ptr<Broker> inner, Watcher watcher)
      : inner_(std::move(inner)), watcher_(std::move(watcher)) {}

  void publish(Lines lines, Completion done) noexcept override {
    for (const Line& line : lines) watcher_(line);
    inner_->publish(lines, std::move(done));
  }
  BrokerTraits traits() const noexcept override { return inner_->traits(); }
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override {
    return inner_->subscribe(options, std::move(wake));
  }
  void recent(Timestamp since, std::size_t events_max, const RecentVisitor& visit) noexcept override {
    inner_->recent(since, events_max, visit);
  }
  Status health() noexcept override { return inner_->health(); }
  BrokerStats stats() noexcept override { return inner_->stats(); }
  Status close(std::chrono::milliseconds deadline) noexcept override { return inner_->close(deadline); }

 private:
  const std::unique_ptr<Broker> inner_;
  const Watcher watcher_;
};

}  // namespace tracking::simulation
