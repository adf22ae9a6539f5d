#include "http/service.h"

#include "codec/no_memory.h"
#include "http/request_body.h"
#include "http/subscription.h"

#include <algorithm>

namespace tracking::remote {
namespace {

// As in process: if there is no memory for the receipts of many, there are none.
void refuse_all(std::size_t count, const ReceiptHandler& done, Code code) noexcept {
  Receipt receipt;
  receipt.code = code;
  if (count == 1) return done(std::span<const Receipt>(&receipt, 1));
  std::vector<Receipt> receipts;
  has_memory_for([&] { receipts.assign(count, receipt); });
  done(receipts);
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
  std::unique_ptr<TrackCall> call;
  if (has_memory_for([&] { call = std::make_unique<TrackCall>(events, std::move(done), ack); })) {
    return start(call.release());
  }
  refuse_all(events.size(), done, Code::overloaded);
  backlog_.leave(events.size());
}

void HttpService::start(TrackCall* call) noexcept {
  const std::size_t count = call->size();
  call->expect(count + 1);  // one for this function: the call lives until its end
  Shares shares;
  std::size_t refused = 0;
  if (!has_memory_for([&] { refused = sort_out(*call, shares); })) {
    for (std::size_t i = 0; i < count; ++i) call->receipt(i).code = Code::overloaded;
    shares.clear();
    refused = count;
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (!shares[i].empty()) senders_[i]->add(shares[i]);
  }
  for (std::size_t i = 0; i < refused; ++i) TrackCall::finish_one(call);
  TrackCall::finish_one(call);
  backlog_.leave(refused);
}

// Gives each sender its share, and returns how many events are sent by none.
std::size_t HttpService::sort_out(TrackCall& call, Shares& shares) const {
  std::size_t refused = 0;
  shares.resize(senders_.size());
  for (std::size_t i = 0; i < call.size(); ++i) {
    const Event& event = call.event(i);
    const Code code = check_event(event, options_.data_bytes_max);
    if (code == Code::ok) {
      shares[static_cast<std::uint64_t>(event.account_id) % shares.size()].push_back({&call, i});
    } else {
      call.receipt(i).code = code;
      ++refused;
    }
  }
  return refused;
}

std::unique_ptr<Lane> HttpService::lane() { return std::unique_ptr<Lane>(new (std::nothrow) HttpLane(*this)); }

Result<std::unique_ptr<Subscription>> HttpService::open_subscription(const SubscribeOptions& options,
                                                                     Wake wake) noexcept {
  return unless_no_memory(Code::overloaded, [&]() -> Result<std::unique_ptr<Subscription>> {
    auto opened = remote::open_subscription(endpoint_, options, std::move(wake), *options_.clock, options_.log);
    if (!opened) return opened.error();
    const std::lock_guard lock(mutex_);
    if (is_closed_) return {Code::closed, "the service was closed"};
    std::erase_if(subscriptions_, [](const auto& queue) { return queue.expired(); });
    subscriptions_.push_back(opened->queue);
    return std::move(opened->subscription);
  });
}

Result<std::vector<Account>> HttpService::list_accounts(AccountId after, std::size_t limit) {
  return unless_no_memory(Code::overloaded, [&] { return accounts_.list(after, limit); });
}
Result<Account> HttpService::get_account(AccountId id) {
  return unless_no_memory(Code::overloaded, [&] { return accounts_.get(id); });
}
// What was sent is not known any more.
Status HttpService::add_account(const Account& account) {
  return unless_no_memory(Code::in_doubt, [&] { return accounts_.add(account); });
}
Result<Account> HttpService::change_account(AccountId id, const AccountChange& change) {
  return unless_no_memory(Code::in_doubt, [&] { return accounts_.change(id, change); });
}
Status HttpService::remove_account(AccountId id) {
  return unless_no_memory(Code::in_doubt, [&] { return accounts_.remove(id); });
}

// The server knows, and says so when it refuses: here nothing is excluded.
BrokerTraits HttpService::broker_traits() const noexcept {
  return {.gives_sent = true, .gives_stored = true, .has_history = true};
}

Readiness HttpService::readiness() noexcept {
  Readiness latest{no_memory(Code::not_ready), no_memory(Code::not_ready)};
  has_memory_for([&] { latest = readiness_.latest(); });
  return latest;
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
  return unless_no_memory(Code::timed_out, []() -> Status {
    return {Code::timed_out, "not all events were answered by the deadline: the rest failed or is in doubt"};
  });
}

}  // namespace tracking::remote
