#include "line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tracking::cli {
namespace {

constexpr std::size_t read_bytes = 256 << 10;

}  // namespace

bool LineReader::read(std::vector<Line>& lines, int stop_descriptor) {
  lines.clear();
  for (;;) {
    take_lines(lines);
    if (!lines.empty()) return true;
    if (has_ended_ || !fill(stop_descriptor)) return false;
  }
}

void LineReader::take_lines(std::vector<Line>& lines) {
  std::size_t start = 0;
  while (lines.size() < lines_max_) {
    const auto end = buffer_.find('\n', std::max(start, searched_));
    if (end == std::string::npos) break;
    lines.push_back({drops_line_ ? std::string() : buffer_.substr(start, end - start), drops_line_});
    drops_line_ = false;
    start = searched_ = end + 1;
  }
  buffer_.erase(0, start);
  searched_ = 0;
  if (lines.size() == lines_max_) return;
  searched_ = buffer_.size();
  if (buffer_.size() > line_bytes_max_) {
    drops_line_ = true;
    buffer_.clear();
    searched_ = 0;
  }
  if (has_ended_ && (!buffer_.empty() || drops_line_)) {
    lines.push_back({std::move(buffer_), drops_line_});
    buffer_.clear();
    drops_line_ = false;
  }
}

// False: stop.
bool LineReader::fill(int stop_descriptor) {
  pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {stop_descriptor, POLLIN, 0}};
  if (::poll(fds, 2, -1) < 0) return errno == EINTR;
  if (fds[1].revents) return false;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + read_bytes);
  const auto size = ::read(STDIN_FILENO, buffer_.data() + before, read_bytes);
  buffer_.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  has_ended_ = size == 0;
  return true;
}

}  // namespace tracking::cli
