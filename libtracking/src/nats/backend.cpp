#include <tracking/nats.h>
#include <tracking/service.h>

#include "nats/broker.h"
#include "nats/jetstream_broker.h"
#include "nats/remote_subscription.h"

namespace tracking {
namespace {

bool is_jetstream(const BackendContext& context) { return context.url.scheme == "jetstream"; }

Result<std::unique_ptr<Broker>> open_broker(const BackendContext& context) {
  return is_jetstream(context) ? jetstream::open_broker(context) : nats_io::open_nats_broker(context);
}

Result<std::unique_ptr<Subscription>> open_subscription(const BackendContext& context, const SubscribeOptions& options,
                                                        Wake wake) {
  return is_jetstream(context) ? jetstream::open_subscription(context, options, std::move(wake))
                               : nats_io::open_nats_subscription(context, options, std::move(wake));
}

// So that the error is not "unknown scheme".
Result<std::unique_ptr<TrackingService>> refuse_service(const BackendContext& context, const ServiceOptions&) {
  return {Code::unsupported,
          context.url.redacted() +
              " cannot check accounts: track over http://, or open a service with this URL as its broker"};
}

}  // namespace

Backend nats() {
  return {.schemes = {"nats", "tls", "jetstream"},
          .broker = open_broker,
          .subscription = open_subscription,
          .service = refuse_service};
}

}  // namespace tracking
