// What a tracking_service is.
#pragma once

#include <tracking/c.h>
#include <tracking/service.h>

#include <memory>

struct tracking_service {
  std::shared_ptr<tracking::TrackingService> door;  // constant; subscribers hold it too, so that they may outlive this
};
