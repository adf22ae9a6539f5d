#include "load_result.h"

#include "common/values.h"

#include <tracking/code.h>

#include <algorithm>
#include <optional>

namespace tracking::cli {
namespace {

constexpr std::size_t kinds_max = 100;  // types come from the other side

void add(std::map<std::string, std::uint64_t>& errors, const std::string& kind, std::uint64_t events) {
  if (events == 0) return;
  errors[errors.contains(kind) || errors.size() < kinds_max ? kind : "other"] += events;
}

// "404 unknown-account"
std::string kind_of(std::string_view type, int status) {
  const Code code = code_from_name(type);
  const int known = code == Code::internal ? status : http_status(code);
  return std::to_string(known) + " " + std::string(type.substr(0, 40));
}

std::optional<std::uint64_t> number_behind(std::string_view body, std::string_view name) {
  const auto at = body.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  body.remove_prefix(at + name.size());
  return apps::parse_integer(body.substr(0, body.find_first_not_of("0123456789")));
}

// Takes the next `"type":"..."` off the body.
std::optional<std::string_view> take_type(std::string_view& body) {
  constexpr std::string_view name = R"("type":")";
  const auto at = body.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  body.remove_prefix(at + name.size());
  return body.substr(0, body.find('"'));
}

}  // namespace

std::uint64_t tally_answer(int status, std::string_view body, std::uint64_t events,
                           std::map<std::string, std::uint64_t>& errors) {
  const bool is_success = status >= 200 && status < 300;
  if (is_success && events == 1) return 1;
  const auto counted = number_behind(body, R"("accepted":)");
  if (is_success && !counted) return events;  // a server that answers for all at once
  const std::uint64_t accepted = std::min(counted.value_or(0), events);
  if (accepted == events) return accepted;
  // A batch lists what it refused, and says last what stopped it: that stands for all that is not listed.
  std::uint64_t left = events - accepted;
  std::string last = "HTTP status " + std::to_string(status);
  while (const auto type = take_type(body)) {
    last = kind_of(*type, status);
    if (!counted || left == 0) break;
    add(errors, last, 1);
    --left;
  }
  add(errors, last, left);
  return accepted;
}

}  // namespace tracking::cli
