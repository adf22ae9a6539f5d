#include "postgres/endpoints.h"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace tracking::postgres_accounts {
namespace {

/// libpq's answers to a dead link, unless the URL says otherwise: a peer that vanished is noticed in seconds, not
/// hours. Calls have limits of their own (Watchdog); these are for the time between calls.
constexpr std::pair<const char*, const char*> defaults[] = {
    {"fallback_application_name", "tracking"},
    {"keepalives_idle", "5"},
    {"keepalives_interval", "1"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "3000"},
};

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
struct FreeMessage {
  void operator()(char* message) const noexcept { PQfreemem(message); }
};

/// "a,,b" is three, as libpq counts.
std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  if (list.empty()) return items;
  std::size_t begin = 0;
  for (std::size_t comma; (comma = list.find(',', begin)) != list.npos; begin = comma + 1) {
    items.push_back(list.substr(begin, comma - begin));
  }
  items.push_back(list.substr(begin));
  return items;
}

/// What libpq does not like, up to the piece of the URL that it quotes: that may be a part of the password.
std::string complaint_of(const char* message) {
  std::string_view text = message ? message : "it cannot be read";
  text = text.substr(0, text.find('"'));
  while (!text.empty() && (text.back() == ' ' || text.back() == ':' || text.back() == '\n')) text.remove_suffix(1);
  return std::string(text);
}

class HostList {
 public:
  HostList(std::vector<std::string> names, std::vector<std::string> addresses, std::vector<std::string> ports)
      : names_(std::move(names)), addresses_(std::move(addresses)), ports_(std::move(ports)) {}

  std::size_t size() const { return std::max<std::size_t>({names_.size(), addresses_.size(), 1}); }
  /// As libpq demands it.
  bool is_consistent() const {
    const bool has_both = !names_.empty() && !addresses_.empty();
    return (!has_both || names_.size() == addresses_.size()) && (ports_.size() <= 1 || ports_.size() == size());
  }
  Endpoints::Parameters host(std::size_t at) const {
    Endpoints::Parameters host;
    const auto add = [&host](const char* key, const std::vector<std::string>& values, std::size_t index) {
      if (index < values.size() && !values[index].empty()) host.emplace_back(key, values[index]);
    };
    add("host", names_, at);
    add("hostaddr", addresses_, at);
    add("port", ports_, ports_.size() == 1 ? 0 : at);
    return host;
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::string> addresses_;
  std::vector<std::string> ports_;
};

bool is_secret(const std::string& key) { return key == "password" || key == "sslpassword"; }

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size()) text.replace(at, what.size(), by);
}

}  // namespace

Result<Endpoints> Endpoints::parse(const BackendUrl& url) {
  const auto wrong = [&](const std::string& what) {
    return Status(Code::invalid_parameter, "Accounts " + url.redacted() + ": " + what +
                                               ". It must be a URI as libpq takes it, such as "
                                               "postgresql://user@host:5432/database.");
  };
  if (url.rest.substr(0, 2) != "//") return wrong("// is missing after the scheme");
  // libpq knows its schemes in lower case only.
  const std::string text = url.scheme + url.text.substr(url.scheme.size());
  char* raw_message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(text.c_str(), &raw_message));
  const std::unique_ptr<char, FreeMessage> message(raw_message);
  if (!options) return wrong(complaint_of(message.get()));

  Endpoints endpoints;
  endpoints.name = url.redacted();
  std::vector<std::string> names;
  std::vector<std::string> addresses;
  std::vector<std::string> ports;
  std::vector<std::string> given;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (!option->val) continue;
    const std::string key = option->keyword;
    std::string value = option->val;
    given.push_back(key);
    if (key == "host") {
      names = split(value);
    } else if (key == "hostaddr") {
      addresses = split(value);
    } else if (key == "port") {
      ports = split(value);
    } else if (key == "connect_timeout") {
      int seconds = 0;
      std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (seconds > 0) endpoints.connect_limit = std::chrono::seconds(std::min(seconds, 3600));
    } else if (key != "client_encoding") {
      if (is_secret(key) && !value.empty()) endpoints.secrets.push_back(value);
      endpoints.common.emplace_back(key, std::move(value));
    }
  }
  endpoints.common.emplace_back("client_encoding", "UTF8");
  for (const auto& [key, value] : defaults) {
    if (std::find(given.begin(), given.end(), key) == given.end()) endpoints.common.emplace_back(key, value);
  }
  const HostList hosts(std::move(names), std::move(addresses), std::move(ports));
  if (!hosts.is_consistent()) return wrong("it does not have as many ports or addresses as hosts");
  for (std::size_t i = 0; i < hosts.size(); ++i) endpoints.hosts.push_back(hosts.host(i));
  return endpoints;
}

std::string Endpoints::clean(std::string_view message) const {
  std::string text;
  for (const char c : message) {
    const bool is_space = c == '\n' || c == '\t' || c == '\r' || c == ' ';
    if (!is_space) text += c;
    if (is_space && !text.empty() && text.back() != ' ') text += ' ';
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  for (const std::string& secret : secrets) replace_all(text, secret, "***");
  return text;
}

}  // namespace tracking::postgres_accounts
