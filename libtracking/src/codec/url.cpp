// Backends' URLs, and how they are shown without their secrets.
#include <tracking/backends.h>

#include <algorithm>
#include <array>
#include <optional>

#include "codec/percent.h"

namespace tracking {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

// The scheme (RFC 3986, section 3.1) in front of the first colon, or nothing.
std::optional<std::string_view> scheme_of(std::string_view text) noexcept {
  const auto scheme = text.substr(0, text.find(':'));
  if (scheme.size() == text.size() || scheme.empty() || !is_letter(scheme.front())) return std::nullopt;
  const bool is_valid = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  return is_valid ? std::optional(scheme) : std::nullopt;
}

// Calls visit(key, value) for each `key=value` of a query; stops when it returns false.
template <class Visit>
bool for_each_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    if (!visit(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())))) return false;
  }
  return true;
}

bool ends_with(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Whether a parameter's value must not be shown. By the ends of names, so that `sslpassword` and `api_key` are meant
// too: what is hidden needlessly does less harm than what is shown.
bool is_secret(std::string_view key) {
  constexpr std::string_view ends[] = {"user",   "username",   "password", "passwd",      "passwort",   "pwd",   "pass",
                                       "secret", "passphrase", "token",    "credentials", "credential", "creds", "key",
                                       "auth",   "jwt",        "nkey",     "seed",        "signature",  "sig"};
  const auto decoded = codec::percent_decode(key);
  if (!decoded) return true;
  const auto name = lower(*decoded);
  return std::any_of(std::begin(ends), std::end(ends), [&](std::string_view end) { return ends_with(name, end); });
}

constexpr std::string_view hidden = "***";

// What is between scheme and query. Where secrets stand in it is a guess if there is an '@' or a password with
// characters that should have been percent-encoded; so all up to the last '@' is taken as one.
std::string redacted_rest(std::string_view rest) {
  const auto at_sign = rest.rfind('@');
  if (at_sign == rest.npos) return std::string(rest);
  const std::string_view slashes = rest.substr(0, 2) == "//" ? "//" : "";
  return std::string(slashes).append(hidden).append(rest.substr(at_sign));
}

}  // namespace

Result<BackendUrl> BackendUrl::parse(std::string_view text) {
  const auto scheme = scheme_of(text);
  if (!scheme) {
    // The text is not repeated: whatever it is, a password may be in it.
    return {Code::invalid_parameter, "a backend is chosen by a URL such as memory:, sqlite:PATH or nats://HOST"};
  }
  if (text.find('\0') != text.npos) return {Code::invalid_parameter, "a backend's URL must not contain NUL"};
  BackendUrl url;
  url.text = text;
  url.scheme = lower(*scheme);
  text.remove_prefix(scheme->size() + 1);
  const auto question_mark = std::min(text.find('?'), text.size());
  url.rest = text.substr(0, question_mark);
  text.remove_prefix(std::min(question_mark + 1, text.size()));
  const bool is_well_formed = for_each_parameter(text, [&](std::string_view key, std::string_view value) {
    auto decoded_key = codec::percent_decode(key);
    auto decoded_value = codec::percent_decode(value);
    if (!decoded_key || !decoded_value || decoded_key->empty()) return false;
    url.parameters.emplace(std::move(*decoded_key), std::move(*decoded_value));
    return true;
  });
  if (!is_well_formed) {
    return {Code::invalid_parameter,
            url.redacted() + ": the parameters after '?' must be key=value&key=value, percent-encoded"};
  }
  return url;
}

std::string BackendUrl::redacted() const {
  const auto known_scheme = scheme_of(text);
  if (!known_scheme) return std::string(hidden);
  std::string_view left = text;
  left.remove_prefix(known_scheme->size() + 1);
  std::string result(*known_scheme);
  result.push_back(':');
  const auto question_mark = std::min(left.find('?'), left.size());
  const auto query = left.substr(std::min(question_mark + 1, left.size()));
  // A '?' may be part of a password that should have been percent-encoded.
  if (query.find('@') != query.npos) return result.append(hidden);
  result.append(redacted_rest(left.substr(0, question_mark)));
  char separator = '?';
  for_each_parameter(query, [&](std::string_view key, std::string_view value) {
    result.append(1, separator).append(key);
    // A value with '=' or '?' in it may be a parameter of its own, separated in a way that we do not know.
    const bool is_hidden = is_secret(key) || value.find_first_of("=?") != value.npos;
    if (!value.empty()) result.append(1, '=').append(is_hidden ? hidden : value);
    separator = '&';
    return true;
  });
  return result;
}

}  // namespace tracking
