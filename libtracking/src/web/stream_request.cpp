#include <tracking/web.h>

#include <algorithm>
#include <charconv>

#include "web/query.h"
#include "web/text.h"

namespace tracking::web {
namespace {

/// What was sent is shown in messages, but not without bound.
constexpr std::size_t shown_bytes_max = 64;

Status invalid(std::string_view name, std::string_view rule, std::string_view value) {
  std::string message(name.substr(0, shown_bytes_max));
  message.append(": ").append(rule).append(", not \"").append(value.substr(0, shown_bytes_max));
  message.append(value.size() > shown_bytes_max ? "...\"" : "\"");
  return {Code::invalid_parameter, std::move(message)};
}

/// All of `text` as a decimal number: digits only, no sign.
template <class T>
bool parse_number(std::string_view text, T& value) noexcept {
  if (text.empty() || text.front() == '-') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Status read_account_ids(std::string_view value, std::vector<AccountId>& ids) {
  for (std::string_view rest = value;;) {
    const std::size_t comma = rest.find(',');
    AccountId id = 0;
    if (!parse_number(rest.substr(0, comma), id) || id < 1) {
      return invalid("account_id", "must be integers from 1 to 9223372036854775807, separated by commas", value);
    }
    ids.push_back(id);
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

/// Which parameters a query had already: each but account_id is given once at most.
struct Seen {
  bool since = false;
  bool tail = false;
  bool limit = false;
  bool follow = false;
};

Status once(bool& seen, std::string_view name, std::string_view value) {
  if (seen) return invalid(name, "must be given once at most", value);
  seen = true;
  return {};
}

Status read_since(std::string_view value, Timestamp now, SubscribeOptions& options) {
  options.since = Since(with_plus_signs(value));
  if (value.empty() || !parse_since(options.since, now)) {
    return invalid("since", "must be now, all, a cursor, an RFC 3339 date-time, or a duration such as 30s, 10m, 2h, 7d",
                   value);
  }
  return {};
}

Status read_tail(std::string_view value, SubscribeOptions& options) {
  std::uint64_t tail = 0;
  if (!parse_number(value, tail)) return invalid("tail", "must be a number of events", value);
  options.tail = tail;
  return {};
}

Status read_limit(std::string_view value, SubscribeOptions& options) {
  if (!parse_number(value, options.limit) || options.limit == 0) {
    return invalid("limit", "must be a number of events, at least 1", value);
  }
  return {};
}

Status read_follow(std::string_view value, SubscribeOptions& options) {
  if (value != "true" && value != "false") return invalid("follow", "must be true or false", value);
  options.follow = value == "true";
  return {};
}

Status read_parameter(std::string_view name, std::string_view value, Timestamp now, Seen& seen,
                      SubscribeOptions& options) {
  if (name == "account_id") return read_account_ids(value, options.account_ids);
  bool* const flag = name == "since"    ? &seen.since
                     : name == "tail"   ? &seen.tail
                     : name == "limit"  ? &seen.limit
                     : name == "follow" ? &seen.follow
                                        : nullptr;
  if (!flag) {
    std::string message("unknown parameter \"");
    message.append(name.substr(0, shown_bytes_max)).append("\"; known are account_id, since, tail, limit and follow");
    return {Code::invalid_parameter, std::move(message)};
  }
  if (auto status = once(*flag, name, value); !status) return status;
  if (name == "since") return read_since(value, now, options);
  if (name == "tail") return read_tail(value, options);
  if (name == "limit") return read_limit(value, options);
  return read_follow(value, options);
}

/// The weight (RFC 9110, 12.4.2) of a media range's parameters, in thousandths; 1000 if it has none.
int weight(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view part = trim(parameters.substr(0, end));
    parameters = end == std::string_view::npos ? std::string_view() : parameters.substr(end + 1);
    if (part.size() < 3 || to_lower(part[0]) != 'q' || part[1] != '=') continue;
    int value = part[2] == '1' ? 1000 : 0;
    int unit = 100;
    for (std::size_t i = 4; i < part.size() && unit > 0 && part[i] >= '0' && part[i] <= '9'; ++i, unit /= 10) {
      value += (part[i] - '0') * unit;
    }
    return std::min(value, 1000);
  }
  return 1000;
}

/// SSE if it is asked for by name and NDJSON not asked for more; whoever accepts anything gets NDJSON.
bool accepts_sse(std::string_view accept) noexcept {
  int sse = 0;
  int ndjson = 0;
  while (!accept.empty()) {
    const std::size_t end = accept.find(',');
    const std::string_view range = accept.substr(0, end);
    accept = end == std::string_view::npos ? std::string_view() : accept.substr(end + 1);
    const std::size_t semicolon = range.find(';');
    const std::string_view type = trim(range.substr(0, semicolon));
    const int q = weight(semicolon == std::string_view::npos ? std::string_view() : range.substr(semicolon + 1));
    if (equals_ignoring_case(type, "text/event-stream")) sse = std::max(sse, q);
    if (equals_ignoring_case(type, "application/x-ndjson")) ndjson = std::max(ndjson, q);
  }
  return sse > 0 && sse >= ndjson;
}

/// A reconnecting EventSource repeats its first URL and adds Last-Event-ID: it goes on there, wherever it first began.
void resume_at(std::string_view last_event_id, SubscribeOptions& options) {
  constexpr std::string_view unreadable = "c_";  // a gap, then live
  options.since = Since(parse_cursor(last_event_id) ? last_event_id : unreadable);
  options.tail.reset();
}

}  // namespace

Result<StreamRequest> parse_stream_request(std::string_view query, std::string_view accept,
                                           std::string_view last_event_id, Timestamp now) {
  StreamRequest request;
  request.is_sse = accepts_sse(accept);
  Seen seen;
  QueryReader parameters(query);
  while (parameters.next()) {
    if (!parameters.is_well_formed()) return invalid(parameters.name(), "must be percent-encoded", query);
    auto status = read_parameter(parameters.name(), parameters.value(), now, seen, request.options);
    if (!status) return status;
  }
  auto& ids = request.options.account_ids;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (!trim(last_event_id).empty()) resume_at(trim(last_event_id), request.options);
  return request;
}

}  // namespace tracking::web
