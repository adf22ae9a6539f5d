// `jetstream://`: events in a JetStream stream, acknowledged when they are stored.
#pragma once

#include <tracking/backends.h>

#include <memory>

#include "nats/jetstream_settings.h"
#include "nats/options.h"

namespace tracking::jetstream {

/// A `jetstream://` URL, understood.
struct Target {
  nats_io::Options options;
  Settings settings;
};
Result<Target> parse_target(const BackendUrl& url);

/// Connects in the background, unless the context asks only for a check.
Result<std::unique_ptr<Broker>> open_broker(const BackendContext& context);

/// Subscribes at a distance: reads the stream, makes none. Reconnects for as long as it lives.
Result<std::unique_ptr<Subscription>> open_subscription(const BackendContext& context, const SubscribeOptions& options,
                                                        Wake wake);

}  // namespace tracking::jetstream
