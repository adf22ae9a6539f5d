// A connection's requests: the bodies of event routes.
#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "server/connection.h"
#include "server/text.h"

namespace tracking::httpd {
namespace {

/// What a chunk's line, or all trailers, may take before they are whole.
constexpr std::size_t unfinished_bytes_max = 16 * 1024;
/// Inflated at once, and in one turn: a bomb must not hold up the loop.
constexpr std::size_t inflated_bytes = 16 * 1024;
constexpr int inflated_pieces_max = 16;

bool has_text(std::string_view piece) noexcept { return piece.find_first_not_of(" \t\r\n") != std::string_view::npos; }

}  // namespace

void Connection::begin_body(Exchange& exchange) {
  const RequestHead& head = parser_->head();
  const bool is_gzip =
      equals_ignoring_case(head.content_encoding, "gzip") || equals_ignoring_case(head.content_encoding, "x-gzip");
  body_kind_ = web::body_kind(exchange.route, head.content_type);
  body_limit_ = web::body_bytes_max(exchange.route, {}, context_.settings.limits);
  is_body_limit_final_ = false;
  if (!check_body(exchange, body_kind_, is_gzip)) return;

  phase_ = Phase::body;
  phase_started_ = progress_at_ = context_.now();
  progress_bytes_ = 0;
  exchange.content_type.assign(head.content_type);
  if (is_gzip) exchange.inflater = std::make_unique<Inflater>();
  // A short body of NDJSON that is here already needs no intake.
  const bool is_here = !head.is_chunked && !is_gzip && parser_->content_length().value_or(0) <= bytes_after_head_;
  if (body_kind_ == web::BodyKind::ndjson && is_here) body_kind_ = web::BodyKind::bounded;
  if (body_kind_ == web::BodyKind::ndjson) {
    exchange.intake = context_.routes.ndjson(exchange.query, exchange);
    if (!exchange.intake) return refuse_body(exchange, Code::overloaded, "there is no memory for the request");
    exchange.intake->on_resume([&exchange] { exchange.resume(); });
  }
  exchange.continue_is_due = head.expects_continue && head.version == 11 && bytes_after_head_ == 0;
}

bool Connection::check_body(Exchange& exchange, web::BodyKind kind, bool is_gzip) {
  const RequestHead& head = parser_->head();
  const std::string_view encoding = head.content_encoding;
  if (kind == web::BodyKind::unsupported) {
    refuse_body(exchange, Code::unsupported_type,
                "Content-Type must be application/json or application/x-ndjson (or text/plain, read as JSON)");
  } else if (!is_gzip && !encoding.empty() && !equals_ignoring_case(encoding, "identity")) {
    refuse_body(exchange, Code::unsupported_type, "the only Content-Encoding read is gzip");
  } else if (!head.is_chunked && !head.has_length) {
    refuse_body(exchange, Code::length_required, "a POST needs Content-Length or Transfer-Encoding: chunked");
  } else if (kind == web::BodyKind::bounded && parser_->content_length().value_or(0) > body_limit_) {
    refuse_body(exchange, Code::too_large, "the body is too large");
  } else {
    return true;
  }
  return false;
}

/// Before the first byte of the body, or at any later one.
void Connection::refuse_body(Exchange& exchange, Code code, std::string_view detail) {
  const auto rest = parser_->content_length_remaining().value_or(0);
  const bool may_not_come = parser_->head().expects_continue && (phase_ == Phase::head || exchange.continue_is_due);
  exchange.continue_is_due = false;
  if (rest > context_.settings.linger_bytes_max || (has_unread_body() && may_not_come)) exchange.closes = true;
  context_.routes.refused(code);
  exchange.body = {};
  context_.release_body(exchange);
  encoded_ = {};
  has_encoded_rest_ = is_memory_short_ = false;
  phase_ = Phase::dropping;
  answer_problem(exchange, code, detail);
  answer_early(exchange);
}

// --- Reading ---------------------------------------------------------------------------------------------------------

bool Connection::read_body(std::string_view& input) {
  while (phase_ == Phase::body) {
    Exchange& exchange = *last_;
    if (is_intake_paused_ || is_memory_short_ || has_more_) return false;
    if (std::exchange(is_intake_resumed_, false)) {
      feed(exchange, {});
      continue;
    }
    if (has_encoded_rest_) {
      const std::string piece = std::move(encoded_);
      encoded_ = {};
      take_encoded(exchange, piece);
      continue;
    }
    if (parser_->is_done()) {
      end_body(exchange);
      return true;
    }
    std::string_view piece;
    if (!put(input, piece)) return phase_ != Phase::body;
    if (piece.empty()) continue;
    exchange.inflater ? take_encoded(exchange, piece) : take_plain(exchange, piece);
  }
  return true;
}

/// Takes the next piece of the body out of `input`; false if there is none, or the body is broken.
bool Connection::put(std::string_view& input, std::string_view& piece) {
  if (input.empty()) return false;
  boost::beast::error_code ec;
  const std::size_t read = parser_->put_body(input, ec);
  input.remove_prefix(read);
  piece = parser_->take_piece();
  if (!ec) return true;
  if (ec == boost::beast::http::error::need_more && input.size() <= unfinished_bytes_max) return false;
  const std::string_view fault = parser_->fault();
  cut_body(Code::bad_request, fault.empty() ? "the chunked coding is broken" : fault);
  return false;
}

void Connection::take_encoded(Exchange& exchange, std::string_view piece) {
  std::string& room = context_.inflated;
  room.resize(inflated_bytes);
  has_encoded_rest_ = false;
  for (int pieces = 0;; ++pieces) {
    if (is_intake_paused_ || is_memory_short_ || pieces == inflated_pieces_max) {
      has_more_ = pieces == inflated_pieces_max;
      has_encoded_rest_ = true;
      encoded_.assign(piece);
      return;
    }
    std::size_t produced = 0;
    const auto result = exchange.inflater->inflate(piece, room, produced);
    // What came out before the fault counts: whole lines of NDJSON are events.
    if (produced > 0) take_plain(exchange, std::string_view(room).substr(0, produced));
    if (phase_ == Phase::body && result == Inflater::Result::corrupt)
      return cut_body(Code::bad_request, "the body is not valid gzip");
    if (phase_ != Phase::body || result == Inflater::Result::more) return;
  }
}

void Connection::take_plain(Exchange& exchange, std::string_view piece) {
  exchange.intake ? feed(exchange, piece) : append_body(exchange, piece);
}

void Connection::append_body(Exchange& exchange, std::string_view piece) {
  if (!is_body_limit_final_ && has_text(piece)) {
    is_body_limit_final_ = true;
    body_limit_ = web::body_bytes_max(exchange.route, piece, context_.settings.limits);
  }
  const std::size_t size = exchange.body.size() + piece.size();
  if (size > body_limit_) return refuse_body(exchange, Code::too_large, "the body is too large");
  if (size > exchange.body.capacity()) {
    // By what came, not by what was announced: promises cost a slow client nothing.
    const std::size_t doubled = std::max(exchange.body.capacity() * 2, size);
    const auto length = parser_->content_length();
    const bool is_length_of_body = length && !exchange.inflater;
    exchange.body.reserve(is_length_of_body ? std::min<std::uint64_t>(doubled, *length) : doubled);
  }
  exchange.body += piece;
  reserve(exchange);
}

void Connection::feed(Exchange& exchange, std::string_view piece) {
  progress_bytes_ += piece.size();
  if (progress_bytes_ >= 1024 || piece.find('\n') != std::string_view::npos) {
    progress_bytes_ = 0;
    progress_at_ = context_.now();
  }
  switch (exchange.intake->feed(piece)) {
    case web::NdjsonIntake::Feed::more:
      return reserve(exchange);
    case web::NdjsonIntake::Feed::pause:
      is_intake_paused_ = true;
      return reserve(exchange);
    case web::NdjsonIntake::Feed::stop:
      exchange.closes = true;
      begin_closing(true);
      context_.finish(exchange, true);
      return;
  }
}

void Connection::reserve(Exchange& exchange) {
  const bool was_short = is_memory_short_;
  is_memory_short_ = !context_.reserve_body(exchange);
  if (is_memory_short_ && !was_short) memory_short_at_ = context_.now();
}

// --- Ends ------------------------------------------------------------------------------------------------------------

void Connection::end_body(Exchange& exchange) {
  if (exchange.inflater && !exchange.inflater->is_at_end()) {
    return cut_body(Code::bad_request, "the gzip body is cut short");
  }
  phase_ = Phase::head;
  if (exchange.closes) begin_closing(false);
  exchange.inflater.reset();
  exchange.intake ? context_.finish(exchange, true) : context_.post(exchange);
}

/// The body ends here, and with it the connection. Whole lines of NDJSON that came are events all the same.
void Connection::cut_body(Code code, std::string_view detail) {
  Exchange& exchange = *last_;
  exchange.closes = true;
  begin_closing(true);
  if (exchange.intake) return context_.finish(exchange, false);
  context_.routes.refused(code);
  answer_problem(exchange, code, detail);
}

bool Connection::drop_body(std::string_view& input) {
  while (!parser_->is_done()) {
    if (input.empty()) return false;
    boost::beast::error_code ec;
    const std::size_t before = input.size();
    input.remove_prefix(parser_->put_body(input, ec));
    dropped_bytes_ += before - input.size();
    if (ec == boost::beast::http::error::need_more && input.size() <= unfinished_bytes_max) return false;
    if (ec || dropped_bytes_ > context_.settings.linger_bytes_max) {
      begin_closing(true);
      return true;
    }
  }
  phase_ = Phase::head;
  phase_started_ = context_.now();
  return true;
}

}  // namespace tracking::httpd
