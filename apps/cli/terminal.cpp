#include "terminal.h"

#include "common/text.h"
#include "exit_codes.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace tracking::cli {
namespace {

std::mutex error_mutex;
bool has_progress = false;  // guarded by error_mutex

// Returns 0, or errno.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // somebody made the terminal or pipe that we share non-blocking
      pollfd wait{.fd = descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// Characters that are shown as nothing, or change what is shown around them.
bool is_invisible(std::int32_t c) {
  return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

void append_unit(std::string& out, unsigned unit) {
  char escape[7];
  std::snprintf(escape, sizeof escape, "\\u%04x", unit & 0xffffu);
  out.append(escape, 6);
}

void append_escape(std::string& out, std::int32_t c) {
  if (c < 0x10000) return append_unit(out, static_cast<unsigned>(c));
  const auto above = static_cast<unsigned>(c) - 0x10000;  // a surrogate pair (RFC 8259, section 7)
  append_unit(out, 0xd800 + (above >> 10));
  append_unit(out, 0xdc00 + (above & 0x3ff));
}

}  // namespace

Written write_stdout(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == 0) return Written::ok;
  if (error == EPIPE) return Written::reader_gone;
  say(std::string("cannot write to stdout: ") + std::strerror(error));
  return Written::failed;
}

int print(std::string_view text) { return write_stdout(text) == Written::failed ? exit_failed : exit_done; }

void print_error(std::string_view text) { write_all(STDERR_FILENO, text); }

void say(std::string_view text) {
  const std::lock_guard lock(error_mutex);
  std::string line = has_progress ? "\r\x1b[K" : "";
  has_progress = false;
  print_error(line.append("tracking-cli: ").append(text).append("\n"));
}

void show_progress(std::string_view text) {
  if (!is_terminal(STDERR_FILENO)) return;
  const std::lock_guard lock(error_mutex);
  has_progress = !text.empty();
  print_error(std::string("\r\x1b[K").append(text));
}

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

bool wants_color(int descriptor, std::string_view choice) {
  if (choice != "auto") return choice == "always";
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const char* term = std::getenv("TERM");
  return is_terminal(descriptor) && !(no_color && *no_color) && term && std::string_view(term) != "dumb";
}

std::string printable(std::string_view text) {
  std::string out;
  apps::append_printable(out, text);
  return out;
}

void append_safe_json(std::string& out, std::string_view json) {
  while (!json.empty()) {
    const std::string_view before = json;
    const std::int32_t c = apps::take_code_point(json);
    if (c < 0) {
      append_unit(out, 0xfffd);
    } else if (apps::is_unsafe_to_show(c) || is_invisible(c)) {
      append_escape(out, c);
    } else {
      out.append(before.substr(0, before.size() - json.size()));
    }
  }
}

}  // namespace tracking::cli
