#include "contract/broker_backends.h"

#include <tracking/backends.h>
#include <tracking/file.h>
#include <tracking/nats.h>
#include <tracking/testing.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "support/nats_server.h"

namespace tracking::test {
namespace {

std::unique_ptr<Broker> open(const std::string& url) {
  return Backends({nats()}).open_broker({.url = BackendUrl::parse(url).value()}).value();
}

/// Its first subscription waits for the server, but not for longer than a moment: this returns when it is there.
void wait_live(Broker& broker) {
  Deliveries told;
  do {
    auto subscription = broker.subscribe({}, [] {});
    if (subscription) subscription.value()->read(told, 1, 1 << 20);
  } while (!told.empty());
}

/// One server for all tests of the program; each has a prefix of its own.
std::unique_ptr<Broker> open_nats() {
  static NatsServer server;
  static int count = 0;
  if (count++ == 0) server.start();
  auto broker = open(server.url() + "?prefix=test" + std::to_string(count));
  while (!broker->health()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  wait_live(*broker);
  return broker;
}

/// The same; each has a stream of its own, too.
std::unique_ptr<Broker> open_jetstream() {
  static NatsServer server({.with_jetstream = true});
  static int count = 0;
  if (count++ == 0) server.start();
  const auto number = std::to_string(count);
  auto broker = open(server.url("", "jetstream") + "?stream=TEST" + number + "&prefix=test" + number);
  while (!broker->health()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return broker;
}

/// A log in a folder of its own, which goes with it.
class TemporaryLog final : public Broker {
 public:
  TemporaryLog() {
    // In memory where there is such a file system: the suite waits for tens of thousands of syncs.
    const std::filesystem::path memory = "/dev/shm";
    std::string name = (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
                       "tracking-log-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    inner_ =
        Backends{file()}.open_broker({.url = BackendUrl::parse("file:log").value(), .data_dir = directory_}).value();
  }
  ~TemporaryLog() override {
    inner_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void publish(Lines lines, Completion done) noexcept override { inner_->publish(lines, std::move(done)); }
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
  std::filesystem::path directory_;
  std::unique_ptr<Broker> inner_;
};

}  // namespace

std::vector<BrokerBackend> broker_backends() {
  return {
      {"memory", [] { return open("memory:"); }},
      {"nats", open_nats},
      {"jetstream", open_jetstream},
      {"faulty_pass_through",
       [] { return std::make_unique<testing::FaultyBroker>(open("memory:"), std::make_shared<testing::Faults>()); }},
      {"file", [] { return std::make_unique<TemporaryLog>(); }},
  };
}

}  // namespace tracking::test
