// The bytes of answers.
#pragma once

#include <tracking/web.h>

#include <string>
#include <string_view>

namespace tracking::httpd {

class Exchange;
class LoopContext;

/// "Accepted" for 202; static storage.
std::string_view reason_phrase(int status) noexcept;

/// Appends status line, headers and, unless it was asked for by HEAD, the body; and counts the answer.
void append_answer(std::string& out, LoopContext& context, const Exchange& exchange, const web::Answer& answer);

/// The headers that let the origin's pages read the answer.
void append_cors_headers(std::string& out, std::string_view origin);

/// The value of Access-Control-Allow-Origin for a request of `origin`, or empty: `allowed` is "*" or a list of origins
/// separated by commas.
std::string_view match_origin(std::string_view allowed, std::string_view origin) noexcept;

}  // namespace tracking::httpd
