#include "request_head.h"

#include <common/values.h>

#include <algorithm>

namespace tracking::httpd {
namespace {

constexpr HeadFault bad(const char* what) { return {Code::bad_request, what}; }

/// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view signs = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           signs.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The next line without its CRLF. Nothing if a line ends otherwise.
std::optional<std::string_view> take_line(std::string_view& bytes) noexcept {
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos || end == 0 || bytes[end - 1] != '\r') return std::nullopt;
  const auto line = bytes.substr(0, end - 1);
  bytes.remove_prefix(end + 1);
  return line;
}

HeadFault parse_request_line(std::string_view line, AdminRequestHead& head) {
  if (line.size() > request_line_bytes_max) return {Code::uri_too_long, "the request line is longer than 8 KiB"};
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("the request line is not METHOD PATH HTTP/1.1");
  head.method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  head.is_http_1_0 = version == "HTTP/1.0";
  if (version != "HTTP/1.1" && !head.is_http_1_0) return bad("the version is not HTTP/1.1 or HTTP/1.0");
  if (!is_token(head.method)) return bad("the method is not a token");
  const bool is_printable =
      std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && static_cast<unsigned char>(c) < 0x7f; });
  if (target.empty() || target[0] != '/' || !is_printable) return bad("the request target is not a path");
  const auto question = target.find('?');
  head.path = target.substr(0, question);
  head.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  return {};
}

HeadFault parse_fields(std::string_view bytes, AdminRequestHead& head) {
  for (;;) {
    const auto line = take_line(bytes);
    if (!line) return bad("a header line does not end with CRLF");
    if (line->empty()) return {};
    if (head.fields.size() == header_count_max) return {Code::headers_too_large, "there are more than 64 header lines"};
    const auto colon = line->find(':');
    if (colon == std::string_view::npos) return bad("a header line has no colon");
    const auto name = line->substr(0, colon);  // also refuses folded lines and a space before the colon
    const auto value = trimmed(line->substr(colon + 1));
    if (!is_token(name)) return bad("a header name is not a token");
    if (has_control(value)) return bad("a header value has a control character in it");
    head.fields.emplace_back(name, value);
  }
}

HeadFault check_framing(AdminRequestHead& head) {
  if (head.count("Host") > 1) return bad("there is more than one Host");
  if (head.count("Host") == 0 && !head.is_http_1_0) return bad("there is no Host");
  if (head.count("Transfer-Encoding") > 0) {
    return head.count("Content-Length") > 0 ? bad("both Content-Length and Transfer-Encoding are given")
                                            : HeadFault{Code::length_required, "send the body with a Content-Length"};
  }
  if (head.count("Content-Length") > 1) return bad("there is more than one Content-Length");
  if (const auto length = head.field("Content-Length")) {
    const bool are_digits =
        !length->empty() && std::all_of(length->begin(), length->end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!are_digits) return bad("Content-Length is not a number");
    const auto value = apps::parse_integer(*length);
    if (!value || *value > admin_body_bytes_max) return {Code::too_large, "the body is larger than 64 KiB"};
    head.content_length = *value;
  }
  const auto encoding = head.field("Content-Encoding");
  if (encoding && !equals_ignoring_case(*encoding, "identity")) {
    return {Code::unsupported_type, "the admin listener takes no Content-Encoding"};
  }
  return {};
}

}  // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::string_view> AdminRequestHead::field(std::string_view name) const noexcept {
  for (const auto& [field_name, value] : fields) {
    if (equals_ignoring_case(field_name, name)) return value;
  }
  return std::nullopt;
}

std::size_t AdminRequestHead::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const auto& field) { return equals_ignoring_case(field.first, name); }));
}

bool AdminRequestHead::wants_close() const noexcept {
  for (const auto& [name, value] : fields) {
    if (!equals_ignoring_case(name, "Connection")) continue;
    for (auto rest = value; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      const auto option = trimmed(rest.substr(0, comma));
      if (equals_ignoring_case(option, "close")) return true;
      if (is_http_1_0 && equals_ignoring_case(option, "keep-alive")) return false;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return is_http_1_0;
}

HeadFault parse_head(std::string_view bytes, AdminRequestHead& head) {
  const auto line = take_line(bytes);
  if (!line) return bad("the request line does not end with CRLF");
  if (auto fault = parse_request_line(*line, head); fault.code != Code::ok) return fault;
  if (auto fault = parse_fields(bytes, head); fault.code != Code::ok) return fault;
  return check_framing(head);
}

}  // namespace tracking::httpd
