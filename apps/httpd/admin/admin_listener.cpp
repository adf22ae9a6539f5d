#include "admin_listener.h"

#include "account_routes.h"
#include "admin_server.h"
#include "guard.h"
#include "metrics.h"

#include <atomic>
#include <utility>

namespace tracking::httpd {

struct AdminListener::Impl {
  Impl(std::string token, const Parts& given)
      : parts(given),
        guard(std::move(token)),
        accounts(given.service, given.logger),
        metrics({.service = given.service, .ledger = given.ledger, .loops = given.loops, .logger = given.logger}) {}

  AdminAnswer answer(const AdminRequest& request);
  AdminAnswer answer_read_only(const AdminRequest& request);
  AdminAnswer ready() const;

  const Parts parts;
  const Guard guard;
  AccountRoutes accounts;
  const Metrics metrics;
  std::atomic<bool> is_draining{false};
  std::unique_ptr<AdminServer> server;  // the last member: its threads use the others
};

AdminAnswer AdminListener::Impl::ready() const {
  if (is_draining) return AdminAnswer::problem(Code::not_ready, "the daemon is stopping");
  const auto readiness = parts.service.readiness();
  if (!readiness.accounts) return AdminAnswer::problem(Code::not_ready, "accounts: " + readiness.accounts.message());
  if (!readiness.broker) return AdminAnswer::problem(Code::not_ready, "broker: " + readiness.broker.message());
  return AdminAnswer::json(200, R"({"status":"ready"})");
}

AdminAnswer AdminListener::Impl::answer_read_only(const AdminRequest& request) {
  const auto path = request.head.path;
  const auto method = request.head.method;
  const bool is_known =
      path == "/livez" || path == "/readyz" || path == "/healthz" || path == "/metrics" || path == "/v1/ledger";
  if (!is_known) {
    return AdminAnswer::problem(Code::not_found,
                                "the admin listener has /v1/accounts, /v1/ledger, /metrics, /livez and /readyz");
  }
  if (method != "GET" && method != "HEAD") return method_not_allowed(method, "GET, HEAD");
  if (path == "/livez") return AdminAnswer::json(200, R"({"status":"up"})");
  if (path == "/v1/ledger") return AdminAnswer::json(200, parts.ledger.json());
  if (path == "/metrics") {
    return {.status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics.text(),
            .headers = {}};
  }
  return ready();
}

AdminAnswer AdminListener::Impl::answer(const AdminRequest& request) {
  constexpr std::string_view accounts_path = "/v1/accounts";
  const auto path = request.head.path;
  if (path == accounts_path) return accounts.collection(request);
  if (path.rfind(accounts_path, 0) == 0 && path[accounts_path.size()] == '/') {
    return accounts.single(request, path.substr(accounts_path.size() + 1));
  }
  return answer_read_only(request);
}

AdminListener::AdminListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminListener::~AdminListener() = default;

Result<std::unique_ptr<AdminListener>> AdminListener::bind(Settings settings, const Parts& parts) {
  auto impl = std::make_unique<Impl>(std::move(settings.token), parts);
  AdminHandlers handlers{.refuse = [&guard = impl->guard](const AdminRequestHead& head) { return guard.refuse(head); },
                         .answer = [self = impl.get()](const AdminRequest& request) { return self->answer(request); }};
  auto server = AdminServer::bind(settings.host, settings.port, std::move(handlers));
  if (!server) return server.error();
  impl->server = std::move(*server);
  return std::unique_ptr<AdminListener>(new AdminListener(std::move(impl)));
}

std::uint16_t AdminListener::port() const noexcept { return impl_->server->port(); }
void AdminListener::start() { impl_->server->start(); }
void AdminListener::set_draining() noexcept { impl_->is_draining = true; }
void AdminListener::stop() { impl_->server->stop(); }

}  // namespace tracking::httpd
