#include <tracking/web.h>

#include "web/query.h"
#include "web/text.h"

namespace tracking::web {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_account_path(std::string_view path) noexcept {
  if (path.size() < 2 || path.size() > 20 || path.front() != '/') return false;
  for (const char c : path.substr(1)) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

}  // namespace

Route find_route(std::string_view method, std::string_view path, std::string_view& allow) noexcept {
  const bool is_get = method == "GET" || method == "HEAD";
  const bool is_post = method == "POST";
  allow = {};
  if (path == "/") {
    if (is_post) return Route::events;
    if (is_get) return Route::root;
    allow = "GET, HEAD, POST";
  } else if (path == "/v1/events") {
    if (is_post) return Route::events;
    if (method == "GET") return Route::stream;
    allow = "GET, POST";
  } else if (is_account_path(path)) {
    if (is_post) return Route::account_events;
    allow = "POST";
  } else {
    const Route route = path == "/livez"          ? Route::livez
                        : path == "/readyz"       ? Route::readyz
                        : path == "/healthz"      ? Route::healthz
                        : path == "/openapi.json" ? Route::openapi
                                                  : Route::none;
    if (route == Route::none || is_get) return route;
    allow = "GET, HEAD";
  }
  return Route::none;
}

BodyKind body_kind(Route route, std::string_view content_type) noexcept {
  if (route == Route::account_events) return BodyKind::bounded;
  if (route != Route::events) return BodyKind::unsupported;
  if (content_type == "application/json") return BodyKind::bounded;  // as nearly all write it
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (equals_ignoring_case(type, "application/x-ndjson")) return BodyKind::ndjson;
  // What `curl -d` and navigator.sendBeacon() send unless told otherwise is read as JSON too.
  for (const std::string_view known : {"", "application/json", "text/plain", "application/x-www-form-urlencoded"}) {
    if (equals_ignoring_case(type, known)) return BodyKind::bounded;
  }
  return BodyKind::unsupported;
}

std::size_t body_bytes_max(Route route, std::string_view beginning, const Limits& limits) noexcept {
  constexpr std::size_t members_bytes_max = 4096;  // all of an event object but its data
  const std::size_t single = limits.data_bytes_max + members_bytes_max;
  if (route != Route::events) return single;
  for (const char c : beginning) {
    if (!is_json_space(c)) return c == '[' ? limits.body_bytes_max : single;
  }
  return limits.body_bytes_max > single ? limits.body_bytes_max : single;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool QueryReader::next() {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view part = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    is_well_formed_ = decode(part.substr(0, equals), name_storage_, name_);
    is_well_formed_ = decode(value, value_storage_, value_) && is_well_formed_;
    if (!is_well_formed_) name_ = part.substr(0, equals), value_ = {};
    return true;
  }
  return false;
}

bool QueryReader::decode(std::string_view raw, std::string& storage, std::string_view& decoded) {
  decoded = raw;
  if (raw.find_first_of("%+") == std::string_view::npos) return true;
  auto text = percent_decode(raw);
  if (!text) return false;
  storage = std::move(*text);
  decoded = storage;
  return true;
}

std::string with_plus_signs(std::string_view value) {
  std::string out(value);
  for (char& c : out) {
    if (c == ' ') c = '+';
  }
  return out;
}

}  // namespace tracking::web
