# cmake -DSOURCE_DIR=... -DOUTPUT=live_page.cpp -P embed.cmake: joins the page's parts and writes them as C++.

# base64_of_hex(OUT HEX): of a SHA-256, as Content-Security-Policy wants it. Three hex digits are two characters; the
# 64 digits are filled up with zeros to 66, and the last character, which is only filling, becomes the padding.
function(base64_of_hex out hex)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  set(text "")
  foreach(position RANGE 0 63 3)
    string(SUBSTRING "${hex}00" ${position} 3 digits)
    math(EXPR high "0x${digits} >> 6")
    math(EXPR low "0x${digits} & 63")
    string(SUBSTRING ${alphabet} ${high} 1 first)
    string(SUBSTRING ${alphabet} ${low} 1 second)
    string(APPEND text ${first}${second})
  endforeach()
  string(SUBSTRING ${text} 0 43 text)
  set(${out} "${text}=" PARENT_SCOPE)
endfunction()

file(READ ${SOURCE_DIR}/index.html page)
file(READ ${SOURCE_DIR}/style.css style)
file(READ ${SOURCE_DIR}/page.js script)
string(SHA256 style_hash "${style}")
string(SHA256 script_hash "${script}")
base64_of_hex(style_hash ${style_hash})
base64_of_hex(script_hash ${script_hash})
string(REPLACE "%STYLE%" "${style}" page "${page}")
string(REPLACE "%SCRIPT%" "${script}" page "${page}")

file(WRITE ${OUTPUT} "// Generated from apps/httpd/server/live_page by embed.cmake.
#include \"server/live_page.h\"

namespace tracking::httpd {

std::string_view live_page_html() noexcept {
  return R\"page(${page})page\";
}

std::string_view live_page_headers() noexcept {
  return \"Content-Type: text/html; charset=utf-8\\r\\n\"
         \"Content-Security-Policy: default-src 'none'; style-src 'sha256-${style_hash}'; \"
         \"script-src 'sha256-${script_hash}'; connect-src 'self'; img-src data:; form-action 'self'; \"
         \"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\\r\\n\"
         \"X-Content-Type-Options: nosniff\\r\\n\"
         \"Referrer-Policy: no-referrer\\r\\n\"
         \"Cross-Origin-Opener-Policy: same-origin\\r\\n\"
         \"Cache-Control: no-cache\\r\\n\"
         \"Vary: Accept\\r\\n\";
}

}  // namespace tracking::httpd
")
