// Subscribing at a distance.
#pragma once

#include "http/delivery_queue.h"
#include "http/endpoint.h"

#include <tracking/backends.h>

namespace tracking::remote {

/// What a service needs to end a subscription that it opened.
struct OpenedSubscription {
  std::unique_ptr<Subscription> subscription;
  std::shared_ptr<DeliveryQueue> queue;
};

/// Checks the options and returns at once; the stream is opened on a thread of its own.
Result<OpenedSubscription> open_subscription(const Endpoint& endpoint, const SubscribeOptions& options, Wake wake,
                                             Clock& clock, Log log) noexcept;

}  // namespace tracking::remote
