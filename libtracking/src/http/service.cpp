#include "http/service.h"

#include "http/request_body.h"
#include "http/subscription.h"

#include <algorithm>

namespace tracking::remote {
namespace {

void refuse_all(std::size_t count, const ReceiptHandler& done, Code code) {
  Receipt receipt;
  receipt.code = code;
  done(std::vector<Receipt>(count, receipt));
}

class HttpLane final : public Lane {
 public:
  explicit HttpLane(HttpService& service) : service_(service) {}
  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept override {
    service_.track(events, std::move(done), options);
  }

 private:
  HttpService& service_;
};

}  // namespace

HttpService::HttpService(const Endpoint& endpoint, const ServiceOptions& options)
    : endpoint_(endpoint),
      options_(options),
      backlog_(options.parked_events_max),
      readiness_(endpoint),
      accounts_(endpoint) {
  for (unsigned i = 0; i < endpoint.connections; ++i) {
    senders_.push_back(std::make_unique<Sender>(endpoint_, *options.clock, backlog_, readiness_));
  }
}

HttpService::~HttpService() { close(std::chrono::seconds(10)).ignore(); }

void HttpService::track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept {
  if (events.empty()) return done({});
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return refuse_all(events.size(), done, Code::closed);
    if (!backlog_.enter(events.size())) return refuse_all(events.size(), done, Code::overloaded);
  }
  const AckLevel ack = options.ack == AckLevel::broker_default ? options_.ack : options.ack;
  start(std::make_unique<TrackCall>(events, std::move(done), ack).release());
}

void HttpService::start(TrackCall* call) {
  const std::size_t count = call->size();
  call->expect(count + 1);  // one for this function: the call lives until its end
  std::vector<std::vector<Sender::Item>> shares(senders_.size());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Event& event = call->event(i);
    const Code code = check_event(event, options_.data_bytes_max);
    if (code == Code::ok) {
      shares[static_cast<std::uint64_t>(event.account_id) % shares.size()].push_back({call, i});
    } else {
      call->receipt(i).code = code;
      ++refused;
    }
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (!shares[i].empty()) senders_[i]->add(shares[i]);
  }
  for (std::size_t i = 0; i < refused; ++i) TrackCall::finish_one(call);
  TrackCall::finish_one(call);
  backlog_.leave(refused);
}

std::unique_ptr<Lane> HttpService::lane() { return std::make_unique<HttpLane>(*this); }

Result<std::unique_ptr<Subscription>> HttpService::open_subscription(const SubscribeOptions& options,
                                                                     Wake wake) noexcept {
  auto opened = remote::open_subscription(endpoint_, options, std::move(wake), *options_.clock, options_.log);
  if (!opened) return opened.error();
  const std::lock_guard lock(mutex_);
  if (is_closed_) return {Code::closed, "the service was closed"};
  subscriptions_.erase(
      std::remove_if(subscriptions_.begin(), subscriptions_.end(), [](const auto& q) { return q.expired(); }),
      subscriptions_.end());
  subscriptions_.push_back(opened->queue);
  return std::move(opened->subscription);
}

Result<std::vector<Account>> HttpService::list_accounts(AccountId after, std::size_t limit) {
  return accounts_.list(after, limit);
}
Result<Account> HttpService::get_account(AccountId id) { return accounts_.get(id); }
Status HttpService::add_account(const Account& account) { return accounts_.add(account); }
Result<Account> HttpService::change_account(AccountId id, const AccountChange& change) {
  return accounts_.change(id, change);
}
Status HttpService::remove_account(AccountId id) { return accounts_.remove(id); }

// The server knows, and says so when it refuses: here nothing is excluded.
BrokerTraits HttpService::broker_traits() const noexcept {
  return {.gives_sent = true, .gives_stored = true, .has_history = true};
}

ServiceStats HttpService::stats() noexcept {
  ServiceStats stats;
  stats.events_pending = backlog_.size();
  const std::lock_guard lock(mutex_);
  for (const auto& queue : subscriptions_) stats.broker.subscriptions += queue.expired() ? 0 : 1;
  return stats;
}

Status HttpService::close(std::chrono::milliseconds deadline) noexcept {
  const std::lock_guard closing(closing_mutex_);
  std::vector<std::weak_ptr<DeliveryQueue>> subscriptions;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    subscriptions.swap(subscriptions_);
  }
  for (const auto& weak : subscriptions) {
    if (const auto queue = weak.lock()) queue->close();
  }
  const bool is_done = backlog_.wait_empty(deadline);
  for (const auto& sender : senders_) sender->stop();
  readiness_.stop();
  if (is_done) return {};
  return {Code::timed_out, "not all events were answered by the deadline: the rest failed or is in doubt"};
}

}  // namespace tracking::remote
