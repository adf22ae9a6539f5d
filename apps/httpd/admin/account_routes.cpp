#include "account_routes.h"

#include "account_json.h"

#include <common/options.h>
#include <common/values.h>
#include <tracking/web.h>

#include <limits>

namespace tracking::httpd {
namespace {

constexpr auto id_max = static_cast<std::uint64_t>(std::numeric_limits<AccountId>::max());

struct PageRequest {
  AccountId after = 0;
  std::size_t limit = 100;
};

/// Reads `after` and `limit`; the error names the parameter.
Result<PageRequest> parse_page(std::string_view query) {
  PageRequest page;
  bool has_after = false;
  bool has_limit = false;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = web::percent_decode(pair.substr(0, equals));
    const auto text = web::percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    const auto value = apps::parse_integer(text.value_or(""));
    if (name == "after" && !has_after) {
      if (!value || *value > id_max) return {Code::invalid_parameter, "after: must be an account's id"};
      page.after = static_cast<AccountId>(*value);
      has_after = true;
    } else if (name == "limit" && !has_limit) {
      if (!value || *value < 1 || *value > 1000) return {Code::invalid_parameter, "limit: must be 1 to 1000"};
      page.limit = *value;
      has_limit = true;
    } else if (name == "after" || name == "limit") {
      return {Code::invalid_parameter, *name + ": is given twice"};
    } else {
      return {Code::invalid_parameter, "only after and limit are known, not " + apps::in_quotes(name.value_or("?"))};
    }
  }
  return page;
}

/// As in /v1/accounts/17: digits without a leading zero, within range.
std::optional<AccountId> parse_id(std::string_view text) noexcept {
  const auto id = text.size() <= 19 && !text.empty() && text[0] != '0' ? apps::parse_integer(text) : std::nullopt;
  if (!id || *id > id_max) return std::nullopt;
  return static_cast<AccountId>(*id);
}

AdminAnswer account_answer(int status, const Account& account) {
  std::string body;
  append_account(body, account);
  return AdminAnswer::json(status, std::move(body));
}

}  // namespace

AdminAnswer method_not_allowed(std::string_view method, const std::string& allowed) {
  auto answer =
      AdminAnswer::problem(Code::method_not_allowed, std::string(method) + " is not allowed here; allowed: " + allowed);
  answer.headers.emplace_back("Allow", allowed);
  return answer;
}

AdminAnswer AccountRoutes::failure(const Status& status, AccountId id) {
  const auto number = std::to_string(id);
  if (status.code() == Code::not_found) {
    return AdminAnswer::problem(Code::not_found, "there is no account " + number +
                                                     "; add it with POST /v1/accounts or tracking-cli accounts add " +
                                                     number + " NAME");
  }
  if (status.code() == Code::account_exists) {
    return AdminAnswer::problem(Code::account_exists, "account " + number + " exists; change it with PATCH");
  }
  return AdminAnswer::problem(status.code(), status.message());
}

AdminAnswer AccountRoutes::collection(const AdminRequest& request) {
  const auto method = request.head.method;
  if (method == "GET" || method == "HEAD") return list(request.head.query);
  if (method == "POST") return add(request);
  return method_not_allowed(method, "GET, HEAD, POST");
}

AdminAnswer AccountRoutes::single(const AdminRequest& request, std::string_view id_text) {
  const auto method = request.head.method;
  const auto id = parse_id(id_text);
  if (!id) return AdminAnswer::problem(Code::not_found, "an account's id is a whole number from 1 to 2^63-1");
  if (method == "PATCH") return change(request, *id);
  if (method == "DELETE") return remove(*id);
  if (method != "GET" && method != "HEAD") return method_not_allowed(method, "GET, HEAD, PATCH, DELETE");
  const auto account = service_.get_account(*id);
  return account ? account_answer(200, *account) : failure(account.error(), *id);
}

AdminAnswer AccountRoutes::list(std::string_view query) {
  const auto page = parse_page(query);
  if (!page) return AdminAnswer::problem(page.code(), page.error().message());
  const auto accounts = service_.list_accounts(page->after, page->limit);
  if (!accounts) return failure(accounts.error(), 0);
  std::optional<AccountId> next;
  if (accounts->size() == page->limit) {
    // A full page is the last one if nothing follows it.
    const auto following = service_.list_accounts(accounts->back().id, 1);
    if (!following) return failure(following.error(), 0);
    if (!following->empty()) next = accounts->back().id;
  }
  return AdminAnswer::json(200, accounts_page(*accounts, next));
}

AdminAnswer AccountRoutes::add(const AdminRequest& request) {
  const auto body = parse_account(request.body);
  if (!body) return AdminAnswer::problem(body.code(), body.error().message());
  if (!body->id) return AdminAnswer::problem(Code::invalid_event, "id: is missing");
  if (!body->name) return AdminAnswer::problem(Code::invalid_event, "name: is missing");
  const Account account{.id = *body->id, .name = *body->name, .is_active = body->is_active.value_or(true)};
  if (const auto status = service_.add_account(account); !status) return failure(status, account.id);
  logger_.info("account added", {{"account_id", static_cast<std::uint64_t>(account.id)}});
  auto answer = account_answer(201, account);
  answer.headers.emplace_back("Location", "/v1/accounts/" + std::to_string(account.id));
  return answer;
}

AdminAnswer AccountRoutes::change(const AdminRequest& request, AccountId id) {
  const auto body = parse_account(request.body);
  if (!body) return AdminAnswer::problem(body.code(), body.error().message());
  if (body->id && *body->id != id) return AdminAnswer::problem(Code::invalid_event, "id: cannot be changed");
  if (!body->name && !body->is_active) {
    return AdminAnswer::problem(Code::invalid_event, "nothing to change: give name or is_active");
  }
  const auto account = service_.change_account(id, {.name = body->name, .is_active = body->is_active});
  if (!account) return failure(account.error(), id);
  logger_.info("account changed",
               {{"account_id", static_cast<std::uint64_t>(id)}, {"is_active", account->is_active ? "true" : "false"}});
  return account_answer(200, *account);
}

AdminAnswer AccountRoutes::remove(AccountId id) {
  if (const auto status = service_.remove_account(id); !status) return failure(status, id);
  logger_.info("account removed", {{"account_id", static_cast<std::uint64_t>(id)}});
  return {.status = 204, .content_type = {}, .body = {}, .headers = {}};
}

}  // namespace tracking::httpd
