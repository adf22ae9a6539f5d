#include "server/request_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>

#include "server/text.h"

namespace tracking::httpd {
namespace {

/// All chunk extensions of a body together. Nobody uses them, and each byte of data could otherwise carry any number.
constexpr std::size_t extension_bytes_max = 4096;

std::string_view to_std(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

/// uri-host [ ":" port ] (RFC 3986 3.2), as far as characters go. An empty one is legal.
bool is_host(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~%!$&'()*+;=:[]").find(c) != std::string_view::npos;
  });
}

bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void RequestParser::refuse(std::string_view fault, error_code& ec) noexcept {
  fault_ = fault;
  ec = make_error_code(boost::beast::http::error::bad_value);
}

std::size_t RequestParser::put_body(std::string_view bytes, error_code& ec) {
  // Beast, once it has seen `0 CR LF` begin the last chunk, asserts that there are 5 bytes when it is called again. The
  // shortest last chunk has as many, so that a shorter rest has nothing to say yet, whatever it is.
  constexpr std::size_t last_chunk_bytes = std::string_view("0\r\n\r\n").size();
  if (is_unfinished_ && bytes.size() < last_chunk_bytes) {
    ec = make_error_code(boost::beast::http::error::need_more);
    return 0;
  }
  const std::size_t read = put({bytes.data(), bytes.size()}, ec);
  is_unfinished_ = ec == boost::beast::http::error::need_more;
  return read;
}

void RequestParser::on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version,
                                    error_code&) {
  head_.method = to_std(method);
  head_.target = to_std(target);
  head_.version = static_cast<unsigned>(version);
}

void RequestParser::on_field_impl(field name, string_view name_text, string_view value_text, error_code& ec) {
  if (is_head_done_) {
    if (++trailer_count_ > trailer_count_max_) refuse("the body has too many trailers", ec);
    return;  // trailers are read over
  }
  const std::string_view value = to_std(value_text);
  switch (name) {
    case field::host:
    case field::content_length:
    case field::transfer_encoding:
      return on_framing_field(name, value, ec);
    case field::content_type:
      head_.content_type = value;
      return;
    case field::content_encoding:
      // Two lines are a list, which is never one that we know.
      head_.content_encoding = head_.content_encoding.empty() ? value : std::string_view("several");
      return;
    case field::accept:
      if (head_.accept.empty()) head_.accept = value;
      return;
    case field::origin:
      head_.origin = value;
      return;
    case field::expect:
      head_.expects_continue = head_.expects_continue || equals_ignoring_case(value, "100-continue");
      return;
    default:
      if (equals_ignoring_case(to_std(name_text), "last-event-id")) head_.last_event_id = value;
      return;
  }
}

void RequestParser::on_framing_field(field name, std::string_view value, error_code& ec) noexcept {
  if (name == field::host) {
    if (++head_.host_count > 1) return refuse("there is more than one Host", ec);
    if (!is_host(value)) return refuse("Host is not a host", ec);
    head_.host = value;
  } else if (name == field::content_length) {
    if (head_.has_length) return refuse("there is more than one Content-Length", ec);
    if (!is_digits(value)) return refuse("Content-Length is not a number", ec);
    head_.has_length = true;
  } else {
    if (head_.is_chunked) return refuse("there is more than one Transfer-Encoding", ec);
    if (!equals_ignoring_case(value, "chunked")) return refuse("the only transfer coding read is chunked", ec);
    head_.is_chunked = true;
  }
}

void RequestParser::on_header_impl(error_code& ec) {
  is_head_done_ = true;
  if (head_.version == 11 && head_.host_count == 0) return refuse("there is no Host", ec);
  if (head_.is_chunked && head_.version == 10) return refuse("HTTP/1.0 has no transfer codings", ec);
}

std::size_t RequestParser::on_body_impl(string_view body, error_code&) {
  piece_ = to_std(body);
  return body.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) {
  extension_bytes_ += extensions.size();
  if (extension_bytes_ > extension_bytes_max) refuse("the chunk extensions are too long", ec);
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
  piece_ = to_std(body);
  return body.size();
}

}  // namespace tracking::httpd
