#include "admin_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace tracking::httpd {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto write_timeout = 10s;
constexpr auto patience = 100ms;  // what a silent visitor is given while others wait for its thread
constexpr auto linger_timeout = 500ms;
constexpr std::size_t linger_bytes_max = 256u << 10;

int ms_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left + 1, 0, 3'600'000));
}

/// True if the descriptor is ready; false at the deadline.
bool wait_for(int socket, short events, Clock::time_point deadline) {
  for (;;) {
    pollfd waiting{socket, events, 0};
    const int ready = ::poll(&waiting, 1, ms_until(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (Clock::now() >= deadline) return false;
  }
}

}  // namespace

bool AdminConnection::wait_for_request(std::chrono::milliseconds timeout) {
  if (!buffer_.empty()) return true;
  const auto start = Clock::now();
  const auto deadline = start + timeout;
  const auto patient_until = std::min(deadline, start + patience);
  for (;;) {
    const bool is_patient = Clock::now() < patient_until;
    pollfd waiting[3] = {{socket_, POLLIN, 0}, {stop_, POLLIN, 0}, {crowded_, POLLIN, 0}};
    const int ready = ::poll(waiting, is_patient ? 2 : 3, ms_until(is_patient ? patient_until : deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0 && is_patient && patient_until < deadline) continue;
    if (ready <= 0 || waiting[1].revents != 0) return false;
    if (waiting[0].revents != 0) return fill(deadline) > 0;
    std::uint64_t one = 0;
    if (::read(crowded_, &one, sizeof one) > 0) return false;
  }
}

ssize_t AdminConnection::fill(Clock::time_point deadline) {
  char piece[4096];
  for (;;) {
    if (!wait_for(socket_, POLLIN, deadline)) {
      has_timed_out_ = true;
      return -1;
    }
    const auto size = ::recv(socket_, piece, sizeof piece, MSG_DONTWAIT);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size > 0) buffer_.append(piece, static_cast<std::size_t>(size));
    return size;
  }
}

AdminConnection::Head AdminConnection::read_head(std::size_t bytes_max, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  constexpr std::string_view end_mark = "\r\n\r\n";
  // A robust server skips an empty line before a request line (RFC 9112, section 2.2).
  std::size_t searched = 0;
  for (;;) {
    if (searched == 0 && buffer_.rfind("\r\n", 0) == 0) buffer_.erase(0, 2);
    const auto end = buffer_.find(end_mark, searched);
    if (end != std::string::npos && end + end_mark.size() <= bytes_max) {
      head_ = buffer_.substr(0, end + end_mark.size());
      buffer_.erase(0, end + end_mark.size());
      return Head::whole;
    }
    if (buffer_.size() >= bytes_max || end != std::string::npos) return Head::too_large;
    // Lines that end with a bare LF never bring the mark: the parser says what is wrong with them.
    if (const auto bare = buffer_.find("\n\n"); bare != std::string::npos) {
      head_ = buffer_.substr(0, bare + 2);
      return Head::whole;
    }
    searched = buffer_.size() < end_mark.size() ? 0 : buffer_.size() - end_mark.size() + 1;
    if (fill(deadline) <= 0) return has_timed_out_ ? Head::timed_out : Head::closed;
  }
}

void AdminConnection::prepare(std::string bytes, std::chrono::milliseconds body_timeout) {
  prepared_ = std::move(bytes);
  prepared_used_ = 0;
  body_deadline_ = Clock::now() + body_timeout;
}

ssize_t AdminConnection::read(char* out, std::size_t size) {
  if (prepared_used_ < prepared_.size()) {
    size = std::min(size, prepared_.size() - prepared_used_);
    std::memcpy(out, prepared_.data() + prepared_used_, size);
    prepared_used_ += size;
    return static_cast<ssize_t>(size);
  }
  if (buffer_.empty()) {
    const auto filled = fill(body_deadline_);
    if (filled <= 0) return filled;
  }
  size = std::min(size, buffer_.size());
  std::memcpy(out, buffer_.data(), size);
  buffer_.erase(0, size);
  return static_cast<ssize_t>(size);
}

ssize_t AdminConnection::write(const char* bytes, std::size_t size) {
  const auto deadline = Clock::now() + write_timeout;
  for (;;) {
    const auto written = ::send(socket_, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written >= 0) return written;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || !wait_for(socket_, POLLOUT, deadline)) return -1;
  }
}

void AdminConnection::linger() {
  ::shutdown(socket_, SHUT_WR);
  const auto deadline = Clock::now() + linger_timeout;
  for (std::size_t dropped = 0; dropped < linger_bytes_max;) {
    buffer_.clear();
    const auto size = fill(deadline);
    if (size <= 0) return;
    dropped += static_cast<std::size_t>(size);
  }
}

}  // namespace tracking::httpd
