#include "server/answer_writer.h"

#include <charconv>

#include "server/loop_context.h"

namespace tracking::httpd {
namespace {

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

/// The code of an answer: ok, or what the problem document says.
Code code_of(const web::Answer& answer) noexcept {
  constexpr std::string_view opening = "{\"type\":\"";
  if (answer.status < 400) return Code::ok;
  if (answer.content_type != web::problem_json || !answer.body.starts_with(opening)) {
    return answer.status == 422 ? Code::invalid_event : Code::internal;
  }
  const std::string_view rest = answer.body.substr(opening.size());
  return code_from_name(rest.substr(0, rest.find('"')));
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Unknown";
  }
}

void append_answer(std::string& out, LoopContext& context, const Exchange& exchange, const web::Answer& answer) {
  if (answer.status == 202 && answer.content_type == "application/json") {
    out += context.accepted_lines();
  } else {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::size_t>(answer.status));
    out.append(" ").append(reason_phrase(answer.status)).append("\r\n").append(context.date_line());
    if (!answer.content_type.empty()) out.append("Content-Type: ").append(answer.content_type).append("\r\n");
  }
  if (!answer.allow.empty()) {
    out.append("Allow: ").append(answer.allow);
    // Every path answers it, so that tables of routes need not say so.
    out += answer.allow.find("OPTIONS") == std::string_view::npos ? ", OPTIONS\r\n" : "\r\n";
  }
  if (answer.retry_after) out += "Retry-After: 1\r\n";
  if (exchange.closes) {
    out += "Connection: close\r\n";
  } else if (exchange.is_http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += exchange.extra_headers;
  if (exchange.has_cors) append_cors_headers(out, exchange.origin);
  if (answer.status != 204) {
    out += "Content-Length: ";
    append_number(out, answer.body.size());
    out += "\r\n\r\n";
    if (!exchange.is_head) out += answer.body;
  } else {
    out += "\r\n";
  }
  add(context.metrics.answers_by_code[static_cast<std::size_t>(code_of(answer))], 1);
}

void append_cors_headers(std::string& out, std::string_view origin) {
  out.append("Access-Control-Allow-Origin: ").append(origin).append("\r\n");
  out += "Access-Control-Expose-Headers: Tracking-Cursor, Retry-After\r\n";
  if (origin != "*") out += "Vary: Origin\r\n";
}

std::string_view match_origin(std::string_view allowed, std::string_view origin) noexcept {
  if (allowed.empty() || origin.empty()) return {};
  if (allowed == "*") return allowed;
  while (!allowed.empty()) {
    const std::size_t comma = allowed.find(',');
    std::string_view one = allowed.substr(0, comma);
    allowed = comma == std::string_view::npos ? std::string_view() : allowed.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == origin) return one;
  }
  return {};
}

}  // namespace tracking::httpd
