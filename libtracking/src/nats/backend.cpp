#include <tracking/nats.h>
#include <tracking/service.h>

#include "nats/broker.h"
#include "nats/remote_subscription.h"

namespace tracking {
namespace {

// So that the error is not "unknown scheme".
Result<std::unique_ptr<TrackingService>> refuse_service(const BackendContext& context, const ServiceOptions&) {
  return {Code::unsupported,
          context.url.redacted() +
              " cannot check accounts: track over http://, or open a service with this URL as its broker"};
}

}  // namespace

Backend nats() {
  return {.schemes = {"nats", "tls"},
          .broker = nats_io::open_nats_broker,
          .subscription = nats_io::open_nats_subscription,
          .service = refuse_service};
}

}  // namespace tracking
