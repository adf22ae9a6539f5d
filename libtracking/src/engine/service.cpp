// Opening services, and the synchronous coat.
#include <tracking/service.h>

#include <condition_variable>
#include <mutex>

#include "engine/engine.h"
#include "engine/event_fault.h"
#include "memory/memory_accounts.h"

namespace tracking {
namespace {

// Waits for receipts on the caller's stack.
class Waiter {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return has_arrived_; });
  }
  void arrive() {
    // Notified with the lock held: once it is free the waiter may be gone.
    const std::lock_guard lock(mutex_);
    has_arrived_ = true;
    arrived_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool has_arrived_ = false;  // guarded by mutex_
};

// Short enough to need no memory itself.
Status no_memory() { return {Code::overloaded, "no memory"}; }

Result<std::shared_ptr<AccountRepository>> open_repository(const AccountSource& source, BackendContext context,
                                                           const Backends& backends) {
  if (source.repository()) return source.repository();
  auto url = BackendUrl::parse(source.url());
  if (!url) return url.error();
  context.url = std::move(*url);
  auto opened = backends.open_accounts(context);
  if (!opened) return opened.error();
  return std::shared_ptr<AccountRepository>(std::move(*opened));
}

Result<std::shared_ptr<Broker>> open_broker(const BrokerSource& source, BackendContext context,
                                            const Backends& backends) {
  if (source.broker()) return source.broker();
  auto url = BackendUrl::parse(source.url());
  if (!url) return url.error();
  context.url = std::move(*url);
  auto opened = backends.open_broker(context);
  if (!opened) return opened.error();
  return std::shared_ptr<Broker>(std::move(*opened));
}

}  // namespace

AccountSource::AccountSource(const std::vector<Account>& accounts) : repository_(make_memory_accounts(accounts)) {}

TrackingService::~TrackingService() = default;

Result<std::unique_ptr<TrackingService>> TrackingService::open(const ServiceOptions& options,
                                                               const Backends& backends) try {
  return open(options.accounts, options.broker, options, backends);
} catch (const std::exception&) {
  return no_memory();
}

Result<std::unique_ptr<TrackingService>> TrackingService::open(AccountSource accounts, BrokerSource broker,
                                                               const ServiceOptions& options,
                                                               const Backends& backends) try {
  const BackendContext context{.data_dir = options.data_dir, .clock = options.clock, .log = options.log};
  auto repository = open_repository(accounts, context, backends);
  if (!repository) return repository.error();
  auto opened_broker = open_broker(broker, context, backends);
  if (!opened_broker) return opened_broker.error();
  const BrokerTraits traits = (*opened_broker)->traits();
  const bool is_ack_given = options.ack == AckLevel::broker_default ||
                            (options.ack == AckLevel::stored ? traits.gives_stored : traits.gives_sent);
  if (!is_ack_given) {
    return {Code::ack_unavailable,
            "ack level '" + std::string(name(options.ack)) + "' cannot be given by the broker " +
                (broker.url().empty() ? "given" : BackendUrl::parse(broker.url()).value().redacted())};
  }
  return std::unique_ptr<TrackingService>(
      std::make_unique<engine::Engine>(options, std::move(*repository), std::move(*opened_broker)));
} catch (const std::exception&) {
  return no_memory();
}

Result<std::unique_ptr<TrackingService>> TrackingService::connect(std::string_view url, const Backends& backends,
                                                                  const ServiceOptions& options) try {
  auto parsed = BackendUrl::parse(url);
  if (!parsed) return parsed.error();
  const BackendContext context{
      .url = std::move(*parsed), .data_dir = options.data_dir, .clock = options.clock, .log = options.log};
  return backends.open_service(context, options);
} catch (const std::exception&) {
  return no_memory();
}

std::vector<Receipt> TrackingService::track(std::span<const Event> events, TrackOptions options) try {
  std::vector<Receipt> receipts(events.size());
  for (Receipt& receipt : receipts) receipt.code = Code::overloaded;  // if no receipts come at all
  Waiter waiter;
  // Two references: small enough for the handler to hold without an allocation.
  struct Target {
    std::vector<Receipt>& receipts;
    Waiter& waiter;
  } target{receipts, waiter};
  track(
      events,
      [&target](std::span<const Receipt> arrived) {
        std::copy(arrived.begin(), arrived.end(), target.receipts.begin());
        target.waiter.arrive();
      },
      options);
  waiter.wait();
  return receipts;
} catch (const std::bad_alloc&) {  // for the receipts: nothing was handed over yet
  return {};
}

Result<Receipt> TrackingService::track(const Event& event, TrackOptions options) {
  struct {
    Receipt receipt;
    Waiter waiter;
  } target;
  track(
      std::span(&event, 1),
      [&target](std::span<const Receipt> arrived) {
        target.receipt = arrived[0];
        target.waiter.arrive();
      },
      options);
  target.waiter.wait();
  if (target.receipt.code == Code::ok) return target.receipt;
  try {
    return {target.receipt.code, engine::describe(event, target.receipt.code, data_bytes_max())};
  } catch (const std::bad_alloc&) {
    return {target.receipt.code, "no memory"};
  }
}

Result<std::unique_ptr<Subscriber>> TrackingService::subscribe(const SubscribeOptions& options) {
  return Subscriber::adopt([&](Wake wake) { return open_subscription(options, std::move(wake)); });
}

}  // namespace tracking
