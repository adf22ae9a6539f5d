#include "nats/broker.h"

#include "codec/no_memory.h"
#include "nats/feed.h"
#include "nats/feed_subscription.h"
#include "nats/publisher.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr auto first_attempt_max = 500ms;            // how long open() waits to be able to publish at once
constexpr auto subscribe_max = 800ms;                // how long a subscribe() may hold up its event loop
constexpr std::size_t history_bytes_max = 16 << 20;  // what readers share; each has a bound of its own
constexpr std::uint64_t settled_lines_max = 4'096;   // with more in the queue, "before" means nothing to anybody
constexpr int idle_ticks_max = 30;                   // seconds without a reader before the subscription is given up

history::HistorySettings history_settings() { return {.bytes_max = history_bytes_max, .is_resumable = false}; }

class NatsBroker final : public Broker, public ConnectionUser, public FeedOwner {
 public:
  NatsBroker(const Options& options, Clock& clock, const Log& log)
      : history_(std::make_shared<history::EventHistory>(history_settings(), clock)),
        publisher_(options, log),
        feed_(options, history_, log) {}
  ~NatsBroker() override { connection_.reset(); }

  void connect(const Options& options, const Log& log) {
    connection_ = std::make_unique<Connection>(options, *this, log);
    connection_->wait_first_attempt(first_attempt_max).ignore();
  }

  void publish(Lines lines, Completion done) noexcept override {
    if (publisher_.publish(lines, std::move(done))) connection_->wake();
  }
  BrokerTraits traits() const noexcept override { return {}; }
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override;
  Status health() noexcept override;
  BrokerStats stats() noexcept override;
  Status close(std::chrono::milliseconds deadline) noexcept override;

 private:
  Status on_connected(const std::shared_ptr<Link>& link) noexcept override;
  void on_disconnected(const Status& reason) noexcept override;
  Status on_tick(const std::shared_ptr<Link>& link) noexcept override;
  bool has_output() noexcept override { return publisher_.has_output(); }
  void write_output(Link& link) noexcept override { publisher_.write_output(link); }
  void read_input(Link&) noexcept override { feed_.read(); }
  // All readers share the wildcard.
  Status add_accounts(std::span<const AccountId>) noexcept override {
    has_memory_for([this] { settle(subscribe_max).ignore(); });
    return {};
  }
  void set_accounts(std::span<const AccountId>) noexcept override {}

  Status go_live(std::chrono::milliseconds time);
  Status settle(std::chrono::milliseconds time);

  const std::shared_ptr<history::EventHistory> history_;
  Publisher publisher_;
  Feed feed_;
  std::atomic<std::uint64_t> settled_{0};  // lines taken when settle() was last through
  std::atomic<bool> is_wanted_{false};
  int idle_ticks_ = 0;  // the keeper's
  std::unique_ptr<Connection> connection_;
};

Status NatsBroker::health() noexcept {
  auto status = connection_->status();
  return status ? publisher_.status() : status;
}

BrokerStats NatsBroker::stats() noexcept {
  BrokerStats stats = history_->stats();
  stats.foreign_messages = feed_.skipped();
  stats.connects = connection_->connects();
  return stats;
}

Result<std::unique_ptr<Subscription>> NatsBroker::subscribe(const SubscribeOptions& options, Wake wake) noexcept {
  return unless_no_memory(Code::overloaded, [&]() -> Result<std::unique_ptr<Subscription>> {
    const auto until = std::chrono::steady_clock::now() + subscribe_max;
    const Status live = go_live(subscribe_max);
    if (live.code() == Code::forbidden) return {Code::broker_unavailable, live.message()};
    if (live)
      settle(std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())).ignore();
    auto reader = history_->open(options, std::move(wake), history_);
    if (!reader) return reader.error();
    return make_feed_subscription(std::move(*reader), *this, !live);
  });
}

/// Sees that there is a subscription for all accounts.
Status NatsBroker::go_live(std::chrono::milliseconds time) {
  if (is_wanted_.exchange(true) && feed_.is_live()) return {};
  const auto ticket = feed_.want({.is_all = true});
  connection_->nudge();
  return feed_.wait_applied(ticket, time);
}

/// What was published here before this call is in the history, if the server answers in time: who reads from now on, or
/// asks for another account, is not shown it. Without anything published since the last time it is so already.
Status NatsBroker::settle(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  const auto taken = publisher_.queue().taken();
  if (taken == settled_ || publisher_.queue().waiting() > settled_lines_max) return {};
  if (!publisher_.queue().wait_handed(taken, time)) return {Code::timed_out, "the queue is not empty yet"};
  auto status = connection_->fence(
      std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()));
  if (status) settled_ = taken;
  return status;
}

Status NatsBroker::on_connected(const std::shared_ptr<Link>& link) noexcept {
  if (auto status = feed_.connected(link); !status) return status;
  publisher_.connected(*link);
  return {};
}

void NatsBroker::on_disconnected(const Status& reason) noexcept {
  publisher_.disconnected();
  feed_.disconnected(reason);
}

Status NatsBroker::on_tick(const std::shared_ptr<Link>& link) noexcept {
  idle_ticks_ = history_->stats().subscriptions > 0 ? 0 : idle_ticks_ + 1;
  if (idle_ticks_ > idle_ticks_max && is_wanted_.exchange(false)) feed_.want({});
  if (auto status = feed_.tick(link); !status) return status;
  return publisher_.tick(*link);
}

Status NatsBroker::close(std::chrono::milliseconds deadline) noexcept {
  const auto until = std::chrono::steady_clock::now() + deadline;
  auto& queue = publisher_.queue();
  queue.end();
  connection_->wake();
  Status status;
  if (queue.wait_handed(queue.taken(), deadline)) {
    status = connection_->fence(
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()));
  } else {
    queue.give_up_held();
    status = unless_no_memory(Code::timed_out, [&]() -> Status {
      return {Code::timed_out, connection_->options().redacted + ": it took too long to hand over what was published"};
    });
  }
  history_->close();
  return status;
}

}  // namespace

Result<std::unique_ptr<Broker>> open_nats_broker(const BackendContext& context) {
  std::multimap<std::string, std::string> others;
  auto options = parse_options(context.url, others);
  if (!options) return options.error();
  if (!others.empty()) return unknown_parameter(*options, others.begin()->first);
  try {
    auto broker = std::make_unique<NatsBroker>(*options, *context.clock, context.log);
    if (!context.is_check) broker->connect(*options, context.log);
    return std::unique_ptr<Broker>(std::move(broker));
  } catch (const std::bad_alloc&) {
    return no_memory(Code::overloaded);
  } catch (const std::exception& error) {
    return {Code::internal, options->redacted + ": could not start: " + error.what()};
  }
}

}  // namespace tracking::nats_io
