#include <tracking/backends.h>
#include <tracking/service.h>

#include <algorithm>

#include "codec/no_memory.h"
#include "memory/memory_accounts.h"
#include "memory/memory_broker.h"

namespace tracking {
namespace {

// Finds the backend of the URL's scheme that can open a `what`, by the member that would open it.
template <class Member>
Result<const Backend*> find_backend(const std::vector<Backend>& backends, const BackendUrl& url, Member member,
                                    std::string_view what) {
  std::string known;
  for (const Backend& backend : backends) {
    if (!(backend.*member)) continue;
    for (const std::string& scheme : backend.schemes) {
      if (scheme == url.scheme) return &backend;
      known += (known.empty() ? "" : ", ") + scheme + ":";
    }
  }
  const std::string answer = known.empty() ? "no backend linked in can do that" : "linked in are " + known;
  return {Code::unsupported,
          "no " + std::string(what) + " for " + url.redacted() + ": unknown scheme '" + url.scheme + "'; " + answer};
}

// Opens with it. A backend may throw std::bad_alloc while it opens.
template <class Member, class... Arguments>
auto open_with(const std::vector<Backend>& backends, Member member, std::string_view what,
               const BackendContext& context, Arguments&&... arguments) {
  using Opened = decltype((backends.front().*member)(context, std::forward<Arguments>(arguments)...));
  return unless_no_memory(Code::overloaded, [&]() -> Opened {
    const auto backend = find_backend(backends, context.url, member, what);
    if (!backend) return backend.error();
    return ((*backend)->*member)(context, std::forward<Arguments>(arguments)...);
  });
}

}  // namespace

Backends::Backends() {
  backends_.push_back({.schemes = {"memory"}, .accounts = open_memory_accounts, .broker = memory::open_memory_broker});
}

Backends::Backends(std::initializer_list<Backend> backends) : Backends() {
  for (const Backend& backend : backends) add(backend);
}

Backends& Backends::add(Backend backend) {
  backends_.push_back(std::move(backend));
  return *this;
}

Result<std::unique_ptr<AccountRepository>> Backends::open_accounts(const BackendContext& context) const {
  return open_with(backends_, &Backend::accounts, "account repository", context);
}

Result<std::unique_ptr<Broker>> Backends::open_broker(const BackendContext& context) const {
  return open_with(backends_, &Backend::broker, "broker", context);
}

Result<std::unique_ptr<Subscription>> Backends::open_subscription(const BackendContext& context,
                                                                  const SubscribeOptions& options, Wake wake) const {
  return open_with(backends_, &Backend::subscription, "subscription at a distance", context, options, std::move(wake));
}

Result<std::unique_ptr<TrackingService>> Backends::open_service(const BackendContext& context,
                                                                const ServiceOptions& options) const {
  return open_with(backends_, &Backend::service, "service at a distance", context, options);
}

}  // namespace tracking
