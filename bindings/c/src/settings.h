// Settings as text: the names and forms of tracking-httpd and of `GET /v1/events`.
#pragma once

#include <tracking/c.h>
#include <tracking/service.h>

#include <span>

namespace tracking::c {

/// invalid_parameter names the setting, and for an unknown name those that there are.
Result<ServiceOptions> read_service_settings(std::span<const tracking_setting> settings);
Result<SubscribeOptions> read_subscribe_settings(std::span<const tracking_setting> settings);

}  // namespace tracking::c
