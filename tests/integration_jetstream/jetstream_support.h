// What the tests of this folder share.
#pragma once

#include "integration_nats/nats_support.h"

#include <tracking/nats.h>
#include <tracking/service.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace tracking::test {

/// Whoever else uses the server: makes streams, looks into them, publishes what it likes.
class Stranger {
 public:
  explicit Stranger(const NatsServer& server);
  ~Stranger();
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  /// The answer of the JetStream API.
  std::string ask(const std::string& subject, const std::string& body = "");
  void make_stream(const std::string& config);
  /// "TRACKING" for the wildcard of events, with more of a configuration.
  void make_usual_stream(const std::string& more = "");
  std::uint64_t messages(const std::string& stream = "TRACKING");
  /// Returns when the stream has it.
  void publish(const std::string& subject, std::string_view payload);

 private:
  natsConnection* connection_ = nullptr;
};

/// An event line by somebody else.
std::string strangers_line(AccountId account_id, std::string_view id, std::string_view data);

/// Data of the next event without quotes, or "[reason missed]" of a gap; empty if nothing comes.
std::string next(Subscriber& subscriber, std::chrono::milliseconds timeout = std::chrono::seconds(20));
/// All that is there until it ends.
std::string all_of(Subscriber& subscriber);

/// A replica: a service of its own over the server.
struct Replica {
  std::shared_ptr<Broker> broker;
  std::unique_ptr<TrackingService> service;

  /// Waits for the outcome.
  Receipt track(AccountId id, const std::string& data, const std::string& event_id = "") const;
  /// The same, and what the broker's health was when that was told.
  struct Told {
    Code outcome, health;
  };
  std::future<Told> track_and_ask(AccountId id, const std::string& data) const;
  std::unique_ptr<Subscriber> subscribe(const SubscribeOptions& options = {}) const {
    return service->subscribe(options).value();
  }
};

class JetStreamTest : public ::testing::Test {
 protected:
  Replica replica(const std::string& parameters = "");
  /// One that takes events now.
  Replica ready_replica(const std::string& parameters = "");
  std::unique_ptr<Subscriber> from_afar(const SubscribeOptions& options = {}, const std::string& parameters = "");
  static bool is_ready(const Replica& replica) {
    return eventually([&] { return replica.broker->health().is_ok(); });
  }
  static bool is_unready(const Replica& replica, std::string_view why) {
    return eventually([&] { return replica.broker->health().message().find(why) != std::string::npos; });
  }

  NatsServer server_{{.with_jetstream = true}};
  LogLines log_;
};

}  // namespace tracking::test
