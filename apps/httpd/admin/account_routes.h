// `/v1/accounts` and `/v1/accounts/{id}`.
#pragma once

#include "admin_server.h"

#include <common/log.h>
#include <tracking/service.h>

namespace tracking::httpd {

/// Plain functions from request to answer; any thread. They block on the accounts' store.
class AccountRoutes {
 public:
  AccountRoutes(TrackingService& service, apps::Logger& logger) : service_(service), logger_(logger) {}

  /// The path is /v1/accounts.
  AdminAnswer collection(const AdminRequest& request);
  /// `id` is what follows /v1/accounts/.
  AdminAnswer single(const AdminRequest& request, std::string_view id);

 private:
  AdminAnswer list(std::string_view query);
  AdminAnswer add(const AdminRequest& request);
  AdminAnswer change(const AdminRequest& request, AccountId id);
  AdminAnswer remove(AccountId id);
  AdminAnswer failure(const Status& status, AccountId id);

  TrackingService& service_;
  apps::Logger& logger_;
};

/// 405 with what is allowed.
AdminAnswer method_not_allowed(std::string_view method, const std::string& allowed);

}  // namespace tracking::httpd
