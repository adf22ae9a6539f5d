// The names, titles and HTTP statuses of codes, and the library's version.
#include <tracking/code.h>
#include <tracking/event.h>
#include <tracking/version.h>

#include <cstddef>
#include <iterator>

namespace tracking {
namespace {

struct CodeRow {
  Code code;
  std::string_view name;
  std::string_view title;
  int http_status;
};

// In the order of the codes. The statuses are those of RFC 9110, 6585 (429, 431).
constexpr CodeRow code_rows[] = {
    {Code::ok, "ok", "Accepted", 202},
    {Code::malformed_json, "malformed-json", "Malformed JSON", 400},
    {Code::invalid_event, "invalid-event", "Invalid event", 400},
    {Code::unknown_account, "unknown-account", "Unknown account", 404},
    {Code::inactive_account, "inactive-account", "Inactive account", 403},
    {Code::too_large, "too-large", "Too large", 413},
    {Code::broker_unavailable, "broker-unavailable", "Broker unavailable", 503},
    {Code::accounts_unavailable, "accounts-unavailable", "Accounts unavailable", 503},
    {Code::overloaded, "overloaded", "Overloaded", 503},
    {Code::in_doubt, "in-doubt", "In doubt", 504},
    {Code::ack_unavailable, "ack-unavailable", "Ack level unavailable", 400},
    {Code::invalid_parameter, "invalid-parameter", "Invalid parameter", 400},
    {Code::bad_request, "bad-request", "Bad request", 400},
    {Code::unauthorized, "unauthorized", "Unauthorized", 401},
    {Code::forbidden, "forbidden", "Forbidden", 403},
    {Code::not_found, "not-found", "Not found", 404},
    {Code::method_not_allowed, "method-not-allowed", "Method not allowed", 405},
    {Code::request_timeout, "request-timeout", "Request timeout", 408},
    {Code::account_exists, "account-exists", "Account exists", 409},
    {Code::length_required, "length-required", "Length required", 411},
    {Code::uri_too_long, "uri-too-long", "URI too long", 414},
    {Code::unsupported_type, "unsupported-type", "Unsupported media type", 415},
    {Code::rate_limited, "rate-limited", "Rate limited", 429},
    {Code::headers_too_large, "headers-too-large", "Headers too large", 431},
    {Code::not_ready, "not-ready", "Not ready", 503},
    {Code::unsupported, "unsupported", "Unsupported", 501},
    {Code::closed, "closed", "Closed", 503},
    {Code::timed_out, "timed-out", "Timed out", 504},
    {Code::could_not_connect, "could-not-connect", "Could not connect", 503},
    {Code::internal, "internal", "Internal error", 500},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(code_rows); ++i) {
    if (static_cast<std::size_t>(code_rows[i].code) != i) return false;
  }
  return true;
}
static_assert(std::size(code_rows) == code_count);
static_assert(rows_are_in_order());

// A number that is no code can only come over the C ABI or from a mistake of ours.
const CodeRow& row(Code code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return code_rows[index < std::size(code_rows) ? index : static_cast<std::size_t>(Code::internal)];
}

}  // namespace

std::string_view name(Code code) noexcept { return row(code).name; }

Code code_from_name(std::string_view name) noexcept {
  for (const auto& row : code_rows) {
    if (row.name == name) return row.code;
  }
  return Code::internal;
}

std::string_view title(Code code) noexcept { return row(code).title; }

int http_status(Code code) noexcept { return row(code).http_status; }

bool is_retriable(Code code) noexcept {
  // Who holds a closed object would repeat for ever; over HTTP it is a server that is being replaced, so 503.
  return row(code).http_status == 503 && code != Code::closed;
}

std::string_view name(AckLevel level) noexcept {
  switch (level) {
    case AckLevel::sent:
      return "sent";
    case AckLevel::stored:
      return "stored";
    case AckLevel::broker_default:
      break;
  }
  return "default";
}

#define TRACKING_TEXT_OF(value) #value
#define TRACKING_TEXT(value) TRACKING_TEXT_OF(value)

std::string_view version() noexcept {
  return TRACKING_TEXT(TRACKING_VERSION_MAJOR) "." TRACKING_TEXT(TRACKING_VERSION_MINOR) "." TRACKING_TEXT(
      TRACKING_VERSION_PATCH);
}

}  // namespace tracking
