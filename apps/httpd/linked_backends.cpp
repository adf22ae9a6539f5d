#include "linked_backends.h"

#ifdef TRACKING_HAS_FILE
#include <tracking/file.h>
#endif
#ifdef TRACKING_HAS_NATS
#include <tracking/nats.h>
#endif
#ifdef TRACKING_HAS_POSTGRES
#include <tracking/postgres.h>
#endif
#ifdef TRACKING_HAS_SQLITE
#include <tracking/sqlite.h>
#endif

namespace tracking::httpd {
namespace {

/// Opening it would make a file.
bool is_linked_and_on_disk([[maybe_unused]] const BackendUrl& url) noexcept {
#ifdef TRACKING_HAS_SQLITE
  if (url.scheme == "sqlite") return true;
#endif
  return false;
}

}  // namespace

Backends linked_backends() {
  Backends backends;
#ifdef TRACKING_HAS_FILE
  backends.add(file());
#endif
#ifdef TRACKING_HAS_NATS
  backends.add(nats());
#endif
#ifdef TRACKING_HAS_POSTGRES
  backends.add(postgres());
#endif
#ifdef TRACKING_HAS_SQLITE
  backends.add(sqlite());
#endif
  return backends;
}

Status check_backends(const Settings& settings) {
  const auto backends = linked_backends();
  const auto accounts_url = BackendUrl::parse(settings.accounts);
  if (!accounts_url) return accounts_url.error();
  if (!is_linked_and_on_disk(*accounts_url)) {
    if (auto accounts = backends.open_accounts({.url = *accounts_url}); !accounts) return accounts.error();
  }
  const auto broker_url = BackendUrl::parse(settings.broker);
  if (!broker_url) return broker_url.error();
  const auto broker = backends.open_broker({.url = *broker_url, .is_check = true});
  if (!broker) return broker.error();
  if (settings.ack_level() == AckLevel::stored && !(*broker)->traits().gives_stored) {
    return {Code::ack_unavailable, "--ack stored cannot be kept: the broker " + broker_url->redacted() +
                                       " puts nothing on stable storage; choose another --broker, or --ack sent"};
  }
  return {};
}

}  // namespace tracking::httpd
