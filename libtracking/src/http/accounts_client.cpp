#include "http/accounts_client.h"

#include "codec/json.h"
#include "http/answers.h"

namespace tracking::remote {
namespace {

constexpr std::size_t list_limit_max = 1'000;  // docs/HTTP.md, GET /v1/accounts

std::string path_of(AccountId id) { return "/v1/accounts/" + std::to_string(id); }

void append_member(std::string& json, std::string_view name) {
  json.append(json.size() > 1 ? "," : "").append("\"").append(name).append("\":");
}

bool is_success(const Answer& answer) {
  return answer.reach == Reach::answered && answer.is_whole && answer.status >= 200 && answer.status < 300;
}

}  // namespace

AccountsClient::AccountsClient(const Endpoint& endpoint)
    : address_(endpoint.admin),
      token_(endpoint.admin_token),
      connection_(endpoint.admin,
                  {.connect_timeout = endpoint.connect_timeout, .read_timeout = endpoint.answer_timeout}) {}

Answer AccountsClient::ask(std::string method, std::string path, std::string body) {
  Request request{.method = std::move(method), .path = std::move(path), .body = std::move(body), .token = token_};
  if (!request.body.empty()) request.content_type = "application/json";
  const std::lock_guard lock(mutex_);
  return connection_.exchange(std::move(request));
}

Status AccountsClient::failure(const Answer& answer) const {
  const std::string url = address_.url();
  if (answer.reach == Reach::no_connection) {
    return {Code::could_not_connect, "could not connect to the admin listener at " + url + " (" + answer.reason + ")"};
  }
  if (answer.reach == Reach::not_sent) return {Code::accounts_unavailable, url + ": " + answer.reason};
  if (answer.reach == Reach::no_answer || !answer.is_whole) return {Code::in_doubt, url + ": " + answer.reason};
  const Problem problem = parse_problem(answer);
  return {problem.code, url + ": " + problem.text()};
}

Result<std::vector<Account>> AccountsClient::list(AccountId after, std::size_t limit) {
  std::string path = "/v1/accounts?limit=" + std::to_string(std::clamp<std::size_t>(limit, 1, list_limit_max));
  if (after > 0) path.append("&after=").append(std::to_string(after));
  const Answer answer = ask("GET", std::move(path));
  if (!is_success(answer)) return failure(answer);
  auto accounts = parse_account_list(answer.body);
  if (!accounts) return {Code::internal, address_.url() + " answered no list of accounts: is it the admin listener?"};
  return std::move(*accounts);
}

Result<Account> AccountsClient::get(AccountId id) {
  const Answer answer = ask("GET", path_of(id));
  if (!is_success(answer)) return failure(answer);
  auto account = parse_account(answer.body);
  if (!account) return {Code::internal, address_.url() + " answered no account: is it the admin listener?"};
  return std::move(*account);
}

Status AccountsClient::add(const Account& account) {
  std::string body = "{\"id\":" + std::to_string(account.id);
  append_member(body, "name");
  codec::append_json_string(body, account.name);
  append_member(body, "is_active");
  body.append(account.is_active ? "true}" : "false}");
  const Answer answer = ask("POST", "/v1/accounts", std::move(body));
  return is_success(answer) ? Status() : failure(answer);
}

Result<Account> AccountsClient::change(AccountId id, const AccountChange& change) {
  std::string body = "{";
  if (change.name) {
    append_member(body, "name");
    codec::append_json_string(body, *change.name);
  }
  if (change.is_active) {
    append_member(body, "is_active");
    body.append(*change.is_active ? "true" : "false");
  }
  body.append("}");
  const Answer answer = ask("PATCH", path_of(id), std::move(body));
  if (!is_success(answer)) return failure(answer);
  auto account = parse_account(answer.body);
  if (account) return std::move(*account);
  return get(id);
}

Status AccountsClient::remove(AccountId id) {
  const Answer answer = ask("DELETE", path_of(id));
  return is_success(answer) ? Status() : failure(answer);
}

}  // namespace tracking::remote
