// Text for logs, terminals and JSON: whatever the content, it stays on its line and controls no terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tracking::apps {

/// Appends `text` as a JSON string with its quotes, pure ASCII where that matters: control characters, line and
/// paragraph separators and bidirectional controls are escaped, invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Appends `text` for a terminal or a log line: the same characters as `\n`, `\x1b`, `\u202e`, invalid bytes as `\xff`.
/// A backslash stays as it is.
void append_printable(std::string& out, std::string_view text);

/// Takes the next character of UTF-8 off `text`: its code point, or -1 for an invalid byte (one byte is taken).
std::int32_t take_code_point(std::string_view& text) noexcept;

/// True for characters that may change what a terminal or an editor shows around them: C0 and C1 controls, DEL, line
/// and paragraph separators, bidirectional controls, and the byte order mark.
bool is_unsafe_to_show(std::int32_t code_point) noexcept;

}  // namespace tracking::apps
