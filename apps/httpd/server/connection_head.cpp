// A connection's requests: heads, and the routes that need no body.
#include <tracking/version.h>

#include "server/answer_writer.h"
#include "server/connection.h"
#include "server/live_page.h"
#include "server/text.h"

namespace tracking::httpd {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view all_methods = "GET, HEAD, POST, OPTIONS";

/// Path and query of a target in origin-form, absolute-form or asterisk-form (RFC 9112 3.2); false if it is none.
bool split_target(std::string_view method, std::string_view target, std::string_view& path, std::string_view& query) {
  query = {};
  if (target.find('#') != std::string_view::npos) return false;
  if (target == "*") {
    path = target;
    return method == "OPTIONS";
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::size_t end = target.find_first_of("/?", scheme.size());
    if (end == scheme.size() || target.size() == scheme.size()) return false;
    target = end == std::string_view::npos ? std::string_view("/") : target.substr(end);
    if (target.front() == '?') {
      path = "/";
      query = target.substr(1);
      return true;
    }
    break;
  }
  if (target.empty() || target.front() != '/') return false;
  const std::size_t mark = target.find('?');
  path = target.substr(0, mark);
  if (mark != std::string_view::npos) query = target.substr(mark + 1);
  return true;
}

bool is_event_route(web::Route route) noexcept {
  return route == web::Route::events || route == web::Route::account_events;
}

/// Whether a head, which may be broken anywhere, begins as a request to an event route: such a one has its place in the
/// ledger.
bool begins_event_request(std::string_view head) noexcept {
  if (!head.starts_with("POST ")) return false;
  head.remove_prefix(5);
  std::string_view allow;
  return is_event_route(web::find_route("POST", head.substr(0, head.find_first_of(" ?\r\n")), allow));
}

const std::string& about_json() {
  static const std::string json =
      std::string(R"({"service":"tracking","version":")") + std::string(version()) + R"(","openapi":"/openapi.json"})";
  return json;
}

}  // namespace

// --- Heads -----------------------------------------------------------------------------------------------------------

bool Connection::read_head(std::string_view& input) {
  // Empty lines before a request are read over (RFC 9112 2.2).
  while (input.starts_with("\r\n")) input.remove_prefix(2);
  if (input.empty() || input == "\r") return false;

  const auto result = scanner_.scan(input, context_.head_limits);
  if (result == HeadScanner::Result::more) return false;
  if (result == HeadScanner::Result::refused) {
    refuse_head(scanner_.code(), scanner_.detail(), input);
    return true;
  }
  const std::string_view head = input.substr(0, scanner_.head_bytes());
  bytes_after_head_ = input.size() - head.size();
  scanner_.reset();
  input.remove_prefix(head.size());
  if (!parse_head(head)) return true;
  if (waits_for_line_) input = {head.data(), head.size() + bytes_after_head_};
  return !waits_for_line_;
}

bool Connection::parse_head(std::string_view head) {
  parser_.emplace(context_.settings.header_count_max);
  boost::beast::error_code ec;
  const std::size_t read = parser_->put({head.data(), head.size()}, ec);
  if (ec || read != head.size()) {
    const std::string_view fault = parser_->fault();
    refuse_head(Code::bad_request, fault.empty() ? "the head is not HTTP/1.1" : fault, head);
    return false;
  }
  std::string_view path;
  std::string_view query;
  if (!split_target(parser_->head().method, parser_->head().target, path, query) &&
      parser_->head().method != "CONNECT") {
    refuse_head(Code::bad_request, "the request target is neither a path nor a URL", head);
    return false;
  }
  std::string_view allow;
  const web::Route route = web::find_route(parser_->head().method, path, allow);
  // A stream has no end, so it begins only when everything before it is answered.
  waits_for_line_ = route == web::Route::stream && first_;
  if (!waits_for_line_) accept_head(route, path, query, allow);
  return true;
}

void Connection::refuse_head(Code code, std::string_view detail, std::string_view head) {
  const bool is_event = begins_event_request(head);
  Exchange& exchange = begin_exchange();
  if (is_event) {
    exchange.route = web::Route::events;
    context_.routes.refused(code);
  }
  exchange.closes = true;
  begin_closing(true);
  answer_problem(exchange, code, detail);
}

Exchange& Connection::begin_exchange() {
  Exchange& exchange = context_.exchanges.take();
  exchange.connection = this;
  exchange.started = context_.now();
  (last_ ? last_->next : first_) = &exchange;
  last_ = &exchange;
  ++exchanges_;
  has_served_ = true;
  is_head_begun_ = false;
  add(context_.metrics.requests, 1);
  return exchange;
}

void Connection::accept_head(web::Route route, std::string_view path, std::string_view query, std::string_view allow) {
  const RequestHead& head = parser_->head();
  Exchange& exchange = begin_exchange();
  exchange.route = route;
  exchange.is_head = head.method == "HEAD";
  exchange.is_http_1_0 = head.version == 10;
  exchange.closes = !parser_->keep_alive();
  exchange.path.assign(path);
  exchange.query.assign(query);
  const std::string_view allowed = match_origin(context_.settings.cors_origin, head.origin);
  if (!allowed.empty()) {
    exchange.origin.assign(allowed);
    exchange.has_cors = true;
  }
  if (!is_event_route(route) && has_unread_body()) {
    // A body that is too long to be read over, or may never come, ends the connection: the answer says so.
    if (head.expects_continue || parser_->content_length().value_or(0) > context_.settings.linger_bytes_max) {
      exchange.closes = true;
    }
  }
  this->route(exchange, allow);
}

// --- Routes ----------------------------------------------------------------------------------------------------------

void Connection::route(Exchange& exchange, std::string_view allow) {
  const std::string_view method = parser_->head().method;
  switch (exchange.route) {
    case web::Route::events:
    case web::Route::account_events:
      return begin_body(exchange);
    case web::Route::stream:
      open_stream(exchange);
      if (phase_ == Phase::stream) return;
      break;
    case web::Route::root:
      answer_root(exchange);
      break;
    case web::Route::livez:
      answer_plain(exchange, 200, json_type, R"({"status":"up"})");
      break;
    case web::Route::readyz:
    case web::Route::healthz:
      answer_ready(exchange);
      break;
    case web::Route::openapi:
      answer_plain(exchange, 200, json_type, web::openapi_json());
      break;
    case web::Route::none:
      if (method == "OPTIONS" && (!allow.empty() || exchange.path == "*")) {
        answer_options(exchange, allow.empty() ? all_methods : allow);
      } else if (method == "CONNECT") {
        answer_problem(exchange, Code::method_not_allowed, "this is no proxy", all_methods);
      } else if (!allow.empty()) {
        answer_problem(exchange, Code::method_not_allowed, "the path has no such method", allow);
      } else {
        answer_problem(exchange, Code::not_found, "there is nothing at this path; see /openapi.json");
      }
      break;
  }
  answer_early(exchange);
}

bool Connection::has_unread_body() const { return !parser_->is_done(); }

/// The answer is given, and if a body follows it is read over.
void Connection::answer_early(Exchange& exchange) {
  if (phase_ == Phase::closing) return;
  if (!has_unread_body()) {
    if (exchange.closes) return begin_closing(false);
    phase_ = Phase::head;
    return;
  }
  if (exchange.closes) return begin_closing(true);
  phase_ = Phase::dropping;
  phase_started_ = context_.now();
  dropped_bytes_ = 0;
}

void Connection::answer_plain(Exchange& exchange, int status, std::string_view content_type, std::string_view body) {
  answered(exchange, {.status = status, .content_type = content_type, .body = body});
}

void Connection::answer_problem(Exchange& exchange, Code code, std::string_view detail, std::string_view allow) {
  std::string& problem = context_.problem;
  problem.clear();
  web::append_problem(problem, code, detail);
  const int status = http_status(code);
  answered(exchange, {.status = status,
                      .content_type = web::problem_json,
                      .body = problem,
                      .allow = allow,
                      .retry_after = status == 503});
}

void Connection::answer_root(Exchange& exchange) {
  if (!contains_ignoring_case(parser_->head().accept, "text/html")) {
    exchange.extra_headers = "Vary: Accept\r\n";
    return answer_plain(exchange, 200, json_type, about_json());
  }
  exchange.extra_headers = live_page_headers();
  answer_plain(exchange, 200, {}, live_page_html());
}

void Connection::answer_ready(Exchange& exchange) {
  std::string reason;
  const auto note = [&reason](std::string_view what, const Status& status) {
    if (status.is_ok()) return;
    if (!reason.empty()) reason += "; ";
    reason.append(what).append(status.message());
  };
  if (context_.shared.is_draining.load(std::memory_order_relaxed)) reason = "the server is shutting down";
  const Readiness readiness = context_.shared.service.readiness();
  note("accounts: ", readiness.accounts);
  note("broker: ", readiness.broker);
  exchange.extra_headers = "Cache-Control: no-store\r\n";
  if (!reason.empty()) return answer_problem(exchange, Code::not_ready, reason);
  answer_plain(exchange, 200, json_type, R"({"status":"ready"})");
}

void Connection::answer_options(Exchange& exchange, std::string_view allow) {
  exchange.extra_headers.append("Allow: ").append(allow);
  if (allow.find("OPTIONS") == std::string_view::npos) exchange.extra_headers += ", OPTIONS";
  exchange.extra_headers += "\r\n";
  if (exchange.has_cors) {
    exchange.extra_headers.append("Access-Control-Allow-Methods: ").append(allow).append("\r\n");
    exchange.extra_headers +=
        "Access-Control-Allow-Headers: Content-Type, Content-Encoding, Last-Event-ID\r\n"
        "Access-Control-Max-Age: 86400\r\n";
  }
  answer_plain(exchange, 204, {}, {});
}

// --- The stream ------------------------------------------------------------------------------------------------------

Status Connection::check_stream_access() const {
  switch (context_.settings.streams) {
    case StreamAccess::everyone:
      return {};
    case StreamAccess::loopback:
      if (peer_ == Peer::loopback) return {};
      return {Code::forbidden, "the stream may be read from this machine alone (--streams=loopback)"};
    case StreamAccess::off:
      break;
  }
  return {Code::forbidden, "the stream is switched off (--streams=off)"};
}

void Connection::open_stream(Exchange& exchange) {
  const RequestHead& head = parser_->head();
  if (const Status access = check_stream_access(); !access) {
    return answer_problem(exchange, access.code(), access.message());
  }
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  auto request = web::parse_stream_request(exchange.query, head.accept, head.last_event_id, now);
  if (!request) return answer_problem(exchange, request.code(), request.error().message());
  if (has_unread_body()) return answer_problem(exchange, Code::bad_request, "a GET of the stream has no body");
  if (context_.are_streams_ending) return answer_problem(exchange, Code::overloaded, "the server is shutting down");
  auto stream = EventStream::open(context_, *this, std::move(*request));
  if (!stream) return answer_problem(exchange, stream.code(), stream.error().message());
  stream_ = std::move(*stream);
  is_stream_chunked_ = !exchange.is_http_1_0;

  std::string& out = *out_;
  out += "HTTP/1.1 200 OK\r\n";
  out += context_.date_line();
  out.append("Content-Type: ").append(stream_->is_sse() ? "text/event-stream" : "application/x-ndjson");
  out += "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n";
  out.append("Tracking-Cursor: ").append(stream_->cursor()).append("\r\nConnection: close\r\n");
  if (is_stream_chunked_) out += "Transfer-Encoding: chunked\r\n";
  if (exchange.has_cors) append_cors_headers(out, exchange.origin);
  out += "\r\n";
  stream_->append_opening(out, is_stream_chunked_);
  add(context_.metrics.answers_by_code[0], 1);
  exchange.state = Exchange::State::written;
  phase_ = Phase::stream;
  written_at_ = context_.now();
  parser_.reset();
  transport_.become_stream();
}

}  // namespace tracking::httpd
