// The page that `GET /` shows a browser.
#pragma once

#include <string_view>

namespace tracking::httpd {

/// The whole page, UTF-8; static storage.
std::string_view live_page_html() noexcept;

/// The header lines that belong to it, each ended by CRLF: Content-Type, the policy that names the page's own style
/// and script by their hashes, and Vary, because `GET /` answers by Accept. Static storage.
std::string_view live_page_headers() noexcept;

}  // namespace tracking::httpd
