#include "connection_options.h"

#include "common/values.h"
#include "exit_codes.h"
#include "terminal.h"

#include <tracking/http.h>
#ifdef TRACKING_HAS_NATS
#include <tracking/nats.h>
#endif

namespace tracking::cli {

Backends backends() {
  Backends linked{http()};
#ifdef TRACKING_HAS_NATS
  linked.add(nats());
#endif
  return linked;
}

Result<BackendContext> connect_to(const std::string& url, bool retries) {
  auto parsed = BackendUrl::parse(url);
  if (!parsed) return parsed.error();
  BackendContext context{.url = std::move(*parsed)};
  if (!retries) {
    context.url.parameters.erase("retry");
    context.url.parameters.emplace("retry", "off");
  }
  return context;
}

std::optional<AccountId> parse_account(std::string_view text) {
  const auto number = apps::parse_integer(text);
  if (!number || *number < 1 || *number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<AccountId>(*number);
}

Result<std::vector<AccountId>> parse_accounts(const std::vector<std::string>& texts) {
  std::vector<AccountId> ids;
  for (std::string_view text : texts) {
    for (;;) {
      const auto comma = text.find(',');
      const auto id = parse_account(text.substr(0, comma));
      if (!id) {
        return {Code::invalid_parameter, apps::in_quotes(text.substr(0, comma)) +
                                             " is no account: accounts are integers from 1 to 9223372036854775807"};
      }
      ids.push_back(*id);
      if (comma == std::string_view::npos) break;
      text.remove_prefix(comma + 1);
    }
  }
  return ids;
}

int exit_code_of_opening(const Status& status) {
  if (status.code() == Code::could_not_connect) return exit_could_not_connect;  // it was not to try again
  // An unknown scheme is "unsupported".
  const bool is_usage = status.code() == Code::invalid_parameter || status.code() == Code::unsupported;
  return is_usage ? exit_usage : exit_failed;
}

std::string advice(Code code, std::optional<AccountId> account_id) {
  const std::string id = account_id ? std::to_string(*account_id) : "ID";
  switch (code) {
    case Code::could_not_connect:
      return "Is the server running? Start one with: tracking-httpd --demo; or say where it is with --url or "
             "TRACKING_URL (accounts: --admin-url or TRACKING_ADMIN_URL)";
    case Code::unknown_account:
      return "Add it with: tracking-cli accounts add " + id + " NAME";
    case Code::inactive_account:
      return "Activate it with: tracking-cli accounts activate " + id;
    case Code::unauthorized:
      return "Give the admin token with --admin-token-file FILE or TRACKING_ADMIN_TOKEN";
    case Code::forbidden:
      return "The server decides who may do that: see its --streams and --admin-token-file";
    case Code::account_exists:
      return "Change it with: tracking-cli accounts rename|activate|deactivate " + id;
    case Code::not_found:
      return "Is the URL right? Events go to the public listener (8080), accounts to the admin listener (8081)";
    case Code::ack_unavailable:
      return "Leave --ack out to get the strongest level that the server's broker gives";
    case Code::in_doubt:
      return "It may have been stored. Repeating it with the same id doubles nothing";
    case Code::too_large:
      return "The server's --max-data-size says how large data may be";
    default:
      return "";
  }
}

void say_failure(const Status& status, std::optional<AccountId> account_id) {
  say(printable(status.message()));
  if (const auto what_to_do = advice(status.code(), account_id); !what_to_do.empty()) say(what_to_do);
}

}  // namespace tracking::cli
