// Writing to stdout and stderr: whole, at once, and safe to look at.
#pragma once

#include <string>
#include <string_view>

namespace tracking::cli {

enum class Written { ok, reader_gone, failed };

/// Writes all of it to stdout with as few calls as it takes. `failed` was told on stderr.
Written write_stdout(std::string_view text);

/// The same, for verbs that write once: the exit code.
int print(std::string_view text);

/// Writes to stderr as it is.
void print_error(std::string_view text);

/// "tracking-cli: text" on stderr; a progress line that stands there is cleared first.
void say(std::string_view text);

/// A line on stderr that the next one replaces. Only on a terminal.
void show_progress(std::string_view text);

/// Whether to colour what goes to a descriptor, by --color (auto, always, never), NO_COLOR and TERM.
bool wants_color(int descriptor, std::string_view choice);

bool is_terminal(int descriptor);

/// Text by strangers, for messages: control characters as escapes.
std::string printable(std::string_view text);

/// Appends JSON so that it cannot control a terminal or pretend to be other text: control, bidirectional and invisible
/// characters become \u escapes, which keeps it the same JSON; bytes that are no UTF-8 become \ufffd.
void append_safe_json(std::string& out, std::string_view json);

}  // namespace tracking::cli
