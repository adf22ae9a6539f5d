#include "http/subscription.h"

#include "codec/no_memory.h"
#include "http/stream_link.h"

#include <new>

namespace tracking::remote {
namespace {

class HttpSubscription final : public Subscription {
 public:
  HttpSubscription(const Endpoint& endpoint, const SubscribeOptions& options, std::shared_ptr<DeliveryQueue> queue,
                   Clock& clock, Log log)
      : endpoint_(endpoint),
        clock_(clock),
        queue_(std::move(queue)),
        link_(endpoint, options, queue_, std::move(log)) {}

  ~HttpSubscription() override {
    queue_->close();
    queue_->stop_waking();
  }

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    const ReadState state = queue_->read(out, events_max, bytes_max);
    if (state == ReadState::ended) link_.refresh();  // `limit` was reached: the server need not go on
    return state;
  }

  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    return unless_no_memory(Code::overloaded, [&] { return change_accounts(account_ids); });
  }

  std::string cursor() const override { return queue_->cursor(); }
  Status status() const override { return queue_->status(); }

 private:
  // If it throws, nothing has changed.
  Status change_accounts(std::span<const AccountId> account_ids) {
    for (const AccountId id : account_ids) {
      if (id < 1) return {Code::invalid_parameter, "account ids are integers from 1 to 9223372036854775807"};
    }
    if (queue_->is_same(account_ids)) return {};
    StartMark mark;
    if (queue_->adds(account_ids)) {
      mark.from = clock_.now();
      // Without a link the clock alone must say what is new; with one, the server's position does, exactly.
      if (link_.is_live()) mark.after = ask_position(endpoint_);
      if (mark.after) mark.from = mark.after->timestamp;
    }
    queue_->change_accounts(account_ids, mark);
    link_.refresh();
    return {};
  }

  const Endpoint endpoint_;
  Clock& clock_;
  const std::shared_ptr<DeliveryQueue> queue_;
  StreamLink link_;
};

Status check(const SubscribeOptions& options, Timestamp now) {
  const auto start = parse_since(options.since, now);
  if (!start) return start.error();
  for (const AccountId id : options.account_ids) {
    if (id < 1) return {Code::invalid_parameter, "account_id must be an integer from 1 to 9223372036854775807"};
  }
  if (options.tail && !fits_request_line(options.account_ids)) {
    return {Code::invalid_parameter, "tail cannot be combined with so many accounts: they do not fit into one request"};
  }
  return {};
}

Result<OpenedSubscription> open(const Endpoint& endpoint, const SubscribeOptions& options, Wake wake, Clock& clock,
                                Log log) {
  if (auto status = check(options, clock.now()); !status) return status;
  const DeliveryQueue::Limits limits{.bytes_max = std::max<std::size_t>(options.buffer_bytes_max, 1),
                                     .events_max = options.limit};
  const std::string& since = options.since.text();
  auto queue = std::make_shared<DeliveryQueue>(AccountFilter(options.account_ids), limits,
                                               parse_cursor(since) ? since : std::string(), std::move(wake));
  auto subscription = std::make_unique<HttpSubscription>(endpoint, options, queue, clock, std::move(log));
  return OpenedSubscription{std::move(subscription), std::move(queue)};
}

}  // namespace

Result<OpenedSubscription> open_subscription(const Endpoint& endpoint, const SubscribeOptions& options, Wake wake,
                                             Clock& clock, Log log) noexcept {
  using Opened = Result<OpenedSubscription>;
  return unless_no_memory(Code::overloaded, [&]() -> Opened {
    try {
      return open(endpoint, options, std::move(wake), clock, std::move(log));
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {  // no thread, or no random number
      return {Code::internal, std::string("could not start a subscription: ") + error.what()};
    }
  });
}

}  // namespace tracking::remote
