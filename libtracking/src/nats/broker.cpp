#include "nats/broker.h"

#include "nats/connection.h"
#include "nats/publish_queue.h"

#include <charconv>
#include <cstring>

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t queue_bytes_max = 8 << 20;     // some 40,000 events: a second of a busy server
constexpr std::size_t output_bytes_max = 256 << 10;  // of one write_output()
constexpr auto first_attempt_max = 500ms;            // how long open() waits to be able to publish at once

/// The subject of an account's events, in place.
class Subject {
 public:
  explicit Subject(const std::string& prefix) : prefix_size_(prefix.size() + 1), text_(prefix + '.') {
    text_.resize(prefix_size_ + 21);
  }
  const char* of(AccountId account_id) noexcept {
    char* const digits = text_.data() + prefix_size_;
    *std::to_chars(digits, digits + 20, account_id).ptr = '\0';
    return text_.c_str();
  }

 private:
  const std::size_t prefix_size_;
  std::string text_;
};

class NatsBroker final : public Broker, public ConnectionUser {
 public:
  explicit NatsBroker(const Options& options) : subject_(options.prefix), queue_(queue_bytes_max) {}
  ~NatsBroker() override { connection_.reset(); }

  void connect(const Options& options, const Log& log) {
    connection_ = std::make_unique<Connection>(options, *this, log);
    connection_->wait_first_attempt(first_attempt_max).ignore();
  }

  void publish(Lines lines, Completion done) noexcept override;
  BrokerTraits traits() const noexcept override { return {}; }
  Status health() noexcept override { return connection_->status(); }
  Status close(std::chrono::milliseconds deadline) noexcept override;

 private:
  Status on_connected(const std::shared_ptr<Link>& link) noexcept override {
    queue_.open(link->payload_bytes_max());
    return {};
  }
  void on_disconnected(const Status&) noexcept override { queue_.close(); }
  bool has_output() noexcept override { return queue_.has_messages(); }
  void write_output(Link& link) noexcept override;

  Subject subject_;  // the I/O thread's
  PublishQueue queue_;
  std::unique_ptr<Connection> connection_;
};

void NatsBroker::publish(Lines lines, Completion done) noexcept {
  const auto pushed = queue_.push(lines);
  if (pushed.refused_from > 0) connection_->wake();
  if (pushed.code != Code::ok || pushed.has_too_large) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i >= pushed.refused_from) {
        done.one(i, {.code = pushed.code});
      } else if (lines[i].json.size() > pushed.line_bytes_max) {
        done.one(i, {.code = Code::too_large});
      }
    }
  }
  done.all(AckLevel::sent);
}

void NatsBroker::write_output(Link& link) noexcept {
  PublishQueue::Message message;
  std::size_t bytes = 0;
  while (bytes < output_bytes_max && queue_.next(message)) {
    natsConnection_Publish(link.get(), subject_.of(message.account_id), message.json.data(),
                           static_cast<int>(message.json.size()));
    bytes += message.json.size();
  }
}

Status NatsBroker::close(std::chrono::milliseconds deadline) noexcept {
  const auto until = std::chrono::steady_clock::now() + deadline;
  queue_.stop();
  connection_->wake();
  if (!queue_.wait_drained(deadline))
    return {Code::timed_out, connection_->options().redacted + ": it took too long to hand over what was published"};
  const auto left = until - std::chrono::steady_clock::now();
  return connection_->flush(std::chrono::duration_cast<std::chrono::milliseconds>(left));
}

}  // namespace

Result<std::unique_ptr<Broker>> open_nats_broker(const BackendContext& context) {
  std::multimap<std::string, std::string> others;
  auto options = parse_options(context.url, others);
  if (!options) return options.error();
  if (!others.empty()) return unknown_parameter(*options, others.begin()->first);
  try {
    auto broker = std::make_unique<NatsBroker>(*options);
    if (!context.is_check) broker->connect(*options, context.log);
    return std::unique_ptr<Broker>(std::move(broker));
  } catch (const std::exception& error) {
    return {Code::internal, options->redacted + ": could not start: " + error.what()};
  }
}

}  // namespace tracking::nats_io
