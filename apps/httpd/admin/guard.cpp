#include "guard.h"

#include "address.h"

namespace tracking::httpd {
namespace {

/// Takes as long for a wrong token as for a right one of the same length.
bool equals_in_constant_time(std::string_view given, std::string_view expected) noexcept {
  unsigned char difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t index = 0; index < given.size(); ++index) {
    const auto other = expected[index < expected.size() ? index : index % expected.size()];
    difference = static_cast<unsigned char>(difference | (given[index] ^ other));
  }
  return difference == 0;
}

bool names_this_machine(std::string_view host) {
  const auto bracket = host.find(']');
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const auto address = parse_address(colon == std::string_view::npos ? std::string(host) + ":80" : std::string(host));
  if (!address || host.front() == ':') return false;
  // Browsers resolve names under .localhost to loopback themselves (RFC 6761), so nobody else can point them elsewhere.
  constexpr std::string_view local = ".localhost";
  const auto& name = address->host;
  const bool is_local_name = name.size() > local.size() &&
                             equals_ignoring_case(std::string_view(name).substr(name.size() - local.size()), local);
  return address->is_loopback() || is_local_name || equals_ignoring_case(name, "localhost");
}

bool is_write(const AdminRequestHead& head) noexcept { return head.method != "GET" && head.method != "HEAD"; }

bool is_json(std::string_view content_type) noexcept {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return equals_ignoring_case(type, "application/json");
}

}  // namespace

bool Guard::has_token(const AdminRequestHead& head) const noexcept {
  const auto authorization = head.field("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (!authorization || head.count("Authorization") > 1 || authorization->size() <= scheme.size()) return false;
  if (!equals_ignoring_case(authorization->substr(0, scheme.size()), scheme)) return false;
  auto given = authorization->substr(scheme.size());
  while (!given.empty() && given.front() == ' ') given.remove_prefix(1);
  return equals_in_constant_time(given, token_);
}

std::optional<AdminAnswer> Guard::refuse_without_token(const AdminRequestHead& head) const {
  const auto host = head.field("Host");
  if (!host || host->empty() || !names_this_machine(*host)) {
    return AdminAnswer::problem(Code::forbidden,
                                "without --admin-token-file the Host must be localhost, 127.0.0.1 or [::1]");
  }
  if (head.field("Origin")) {
    return AdminAnswer::problem(Code::forbidden, "without --admin-token-file web pages (an Origin) are refused");
  }
  if (is_write(head) && head.content_length > 0 && !is_json(head.field("Content-Type").value_or(""))) {
    return AdminAnswer::problem(Code::unsupported_type,
                                "without --admin-token-file the Content-Type must be application/json");
  }
  return std::nullopt;
}

std::optional<AdminAnswer> Guard::refuse(const AdminRequestHead& head) const {
  if (token_.empty()) return refuse_without_token(head);
  const bool is_guarded = head.path.rfind("/v1/", 0) == 0 || head.path == "/v1";
  if (!is_guarded || has_token(head)) return std::nullopt;
  auto answer = AdminAnswer::problem(Code::unauthorized, "send the admin token: Authorization: Bearer TOKEN");
  answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tracking\"");
  return answer;
}

}  // namespace tracking::httpd
