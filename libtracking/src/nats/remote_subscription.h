// Subscriber::open("nats://..."): at a distance, without a service.
#pragma once

#include <tracking/backends.h>

namespace tracking::nats_io {

/// Returns when the subscription is live, or after a second: then it goes live when the server is there.
Result<std::unique_ptr<Subscription>> open_nats_subscription(const BackendContext& context,
                                                             const SubscribeOptions& options, Wake wake);

}  // namespace tracking::nats_io
