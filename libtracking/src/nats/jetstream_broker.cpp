#include "nats/jetstream_broker.h"

#include "codec/no_memory.h"
#include "nats/jetstream_client.h"

namespace tracking::jetstream {
namespace {

using namespace std::chrono_literals;

constexpr auto first_attempt_max = 500ms;  // how long open() waits to be able to publish at once

class JetStreamBroker final : public Broker {
 public:
  explicit JetStreamBroker(std::unique_ptr<StreamClient> client) : client_(std::move(client)) {}

  void publish(Lines lines, Completion done) noexcept override { client_->publish(lines, std::move(done)); }
  BrokerTraits traits() const noexcept override {
    return {.gives_sent = true, .gives_stored = true, .has_history = true};
  }
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override {
    return client_->subscribe(options, std::move(wake));
  }
  Status health() noexcept override { return client_->health(); }
  BrokerStats stats() noexcept override { return client_->stats(); }
  Status close(std::chrono::milliseconds deadline) noexcept override { return client_->close(deadline); }

 private:
  const std::unique_ptr<StreamClient> client_;
};

}  // namespace

Result<Target> parse_target(const BackendUrl& url) {
  std::multimap<std::string, std::string> others;
  auto options = nats_io::parse_options(url, others);
  if (!options) return options.error();
  auto settings = parse_settings(others, options->redacted);
  if (!settings) return settings.error();
  if (!others.empty()) return nats_io::unknown_parameter(*options, others.begin()->first, Settings::parameters);
  return Target{std::move(*options), std::move(*settings)};
}

Result<std::unique_ptr<Broker>> open_broker(const BackendContext& context) {
  auto target = parse_target(context.url);
  if (!target) return target.error();
  try {
    auto client = std::make_unique<StreamClient>(target->options, target->settings, StreamClient::Purpose(),
                                                 *context.clock, context.log);
    if (!context.is_check) client->connect(first_attempt_max);
    return std::unique_ptr<Broker>(std::make_unique<JetStreamBroker>(std::move(client)));
  } catch (const std::bad_alloc&) {
    return no_memory(Code::overloaded);
  } catch (const std::exception& error) {
    return {Code::internal, context.url.redacted() + ": could not start: " + error.what()};
  }
}

}  // namespace tracking::jetstream
