#include "cursor_file.h"

#include "terminal.h"

#include <tracking/subscription.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tracking::cli {
namespace {

// A rename costs some 20 µs; at most one in this time lets thousands of events a second pass unhindered.
constexpr auto write_interval = std::chrono::milliseconds(2);
constexpr std::size_t cursor_bytes_max = 256;

Status failure(const std::string& what, const std::string& path) {
  return {Code::internal, what + " " + path + ": " + std::strerror(errno)};
}

bool is_cursor(std::string_view text) {
  if (text.size() < 3 || text.size() > cursor_bytes_max || text.substr(0, 2) != "c_") return false;
  for (const char c : text) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!is_plain) return false;
  }
  return true;
}

}  // namespace

Result<std::string> CursorFile::load() const {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return std::string();
    return failure("cannot read", path_);
  }
  char buffer[cursor_bytes_max + 2];
  const auto size = ::read(file, buffer, sizeof buffer);
  const int error = errno;
  ::close(file);
  errno = error;
  if (size < 0) return failure("cannot read", path_);
  std::string_view text(buffer, static_cast<std::size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  if (text.empty()) return std::string();
  if (!is_cursor(text)) return {Code::invalid_parameter, path_ + " holds no cursor"};
  return std::string(text);
}

Status CursorFile::check_writable() {
  const std::string beside = path_ + ".tmp";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return failure("cannot write", beside);
  ::close(file);
  ::unlink(beside.c_str());
  return {};
}

void CursorFile::note(std::string cursor) {
  cursor_ = std::move(cursor);
  is_written_ = false;
  if (std::chrono::steady_clock::now() - last_write_ >= write_interval) flush();
}

void CursorFile::flush() {
  if (is_written_) return;
  is_written_ = true;
  const Status status = write(cursor_);
  last_write_ = std::chrono::steady_clock::now();
  if (!status && !has_failed_) say(status.message() + ": the next run repeats what comes from now on");
  has_failed_ = !status;
}

Status CursorFile::write(std::string_view cursor) const {
  const std::string beside = path_ + ".tmp";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return failure("cannot write", beside);
  const std::string line = std::string(cursor) + "\n";
  const bool is_whole = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int error = errno;
  ::close(file);
  errno = error;
  if (!is_whole) return failure("cannot write", beside);
  if (std::rename(beside.c_str(), path_.c_str()) != 0) return failure("cannot write", path_);
  return {};
}

}  // namespace tracking::cli
