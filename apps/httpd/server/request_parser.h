// A request's head and body framing, by Beast's incremental parser.
#pragma once

#include <tracking/code.h>

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace tracking::httpd {

/// What a head says, as views into the bytes that were parsed.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  std::string_view host;
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view accept;
  std::string_view last_event_id;
  std::string_view origin;
  unsigned version = 11;
  unsigned host_count = 0;
  bool has_length = false;
  bool is_chunked = false;
  bool expects_continue = false;
};

/// Keeps views of the fields that we look at and nothing else. RFC 9112 is held more strictly than Beast does: one
/// Host, one Content-Length of digits alone, `chunked` as the only transfer coding, bounded chunk extensions and
/// trailers. A head is put whole; the bytes stay where they are while head() is used.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(std::size_t trailer_count_max) noexcept : trailer_count_max_(trailer_count_max) {
    header_limit(1u << 20);                                 // the scanner has counted already
    body_limit(std::numeric_limits<std::uint64_t>::max());  // none would refuse every length in Boost 1.74
  }

  const RequestHead& head() const noexcept { return head_; }
  /// put() for bytes of the body: how many were read. To be put again with more when `ec` says need_more.
  std::size_t put_body(std::string_view bytes, boost::beast::error_code& ec);
  /// Why put() failed; bad_request unless something more exact is known.
  std::string_view fault() const noexcept { return fault_; }
  /// The bytes of the body in what was put last.
  std::string_view take_piece() noexcept { return std::exchange(piece_, {}); }

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;
  using field = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version,
                       error_code& ec) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view name_text, string_view value, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code&) override;
  void on_finish_impl(error_code&) override {}

  void refuse(std::string_view fault, error_code& ec) noexcept;
  void on_framing_field(field name, std::string_view value, error_code& ec) noexcept;

  RequestHead head_;
  std::string_view fault_;
  std::string_view piece_;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_count_ = 0;
  std::size_t trailer_count_max_;
  bool is_head_done_ = false;
  bool is_unfinished_ = false;  // what was put last of the body was read in part
};

}  // namespace tracking::httpd
