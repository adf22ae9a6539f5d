#include "http/endpoint.h"
#include "http/service.h"
#include "http/subscription.h"

#include <tracking/http.h>

#include <new>

namespace tracking {
namespace {

Result<std::unique_ptr<Subscription>> subscribe(const BackendContext& context, const SubscribeOptions& options,
                                                Wake wake) {
  const auto endpoint = remote::parse_endpoint(context.url);
  if (!endpoint) return endpoint.error();
  auto opened = remote::open_subscription(*endpoint, options, std::move(wake), *context.clock, context.log);
  if (!opened) return opened.error();
  return std::move(opened->subscription);
}

Result<std::unique_ptr<TrackingService>> connect(const BackendContext& context, const ServiceOptions& options) {
  const auto endpoint = remote::parse_endpoint(context.url);
  if (!endpoint) return endpoint.error();
  try {
    return std::unique_ptr<TrackingService>(std::make_unique<remote::HttpService>(*endpoint, options));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return {Code::internal, context.url.redacted() + ": could not start sending: " + error.what()};
  }
}

}  // namespace

Backend http() { return {.schemes = {"http"}, .subscription = subscribe, .service = connect}; }

}  // namespace tracking
