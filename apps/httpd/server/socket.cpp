#include "server/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "server/loop.h"

namespace tracking::httpd {
namespace {

/// How often a connection may go on within one turn before others get theirs.
constexpr int rounds_max = 4;
/// A stream's reader has nothing to say; what it says all the same is dropped up to here.
constexpr std::size_t stray_bytes_max = 64 * 1024;

}  // namespace

Socket::Socket(Loop& loop, FileDescriptor descriptor, Connection::Peer peer)
    : loop_(loop), descriptor_(std::move(descriptor)), http_(loop.context(), *this, peer) {}

template <class Step>
void Socket::turn(Step step) noexcept {
  if (!descriptor_.is_open()) return;
  std::string& out = loop_.output();
  out.clear();
  try {
    step(out);
    finish_turn(out);
  } catch (const std::exception&) {
    close();  // no memory
  }
}

void Socket::finish_turn(std::string& out) {
  for (int round = 0;; ++round) {
    if (!send(out)) break;
    if (!descriptor_.is_open()) return;
    if (!http_.has_more()) break;
    if (round == rounds_max) {
      wake();
      break;
    }
    out.clear();
    http_.advance(out);
  }
  const bool has_sent_all = unsent_.empty();
  if (has_sent_all && http_.after() == Connection::After::close) return close();
  if (has_sent_all && http_.after() == Connection::After::close_slowly && !is_shut_down_) {
    is_shut_down_ = true;
    ::shutdown(descriptor_.get(), SHUT_WR);
  }
  if (is_readable_ && wants_bytes()) loop_.make_ready(*this);
  update_timer();
}

void Socket::start() noexcept {
  turn([](std::string&) {});
}

void Socket::go_on() noexcept {
  if (std::exchange(is_woken_, false)) advance();
  receive();
}

void Socket::advance() noexcept {
  // With bytes unsent it goes on when those are sent.
  if (unsent_.empty()) turn([this](std::string& out) { http_.advance(out); });
}

void Socket::end_when_idle() noexcept {
  if (!descriptor_.is_open()) return;
  std::string_view pending;
  if (http_.is_idle()) {
    const std::span<char> room = loop_.receive_buffer();
    const ssize_t bytes = ::recv(descriptor_.get(), room.data(), room.size(), MSG_DONTWAIT);
    // An end or an error is told by the next receive.
    if (bytes > 0) pending = {room.data(), static_cast<std::size_t>(bytes)};
    add(loop_.context().metrics.bytes_in, pending.size());
  }
  turn([this, pending](std::string& out) { http_.end_when_idle(pending, out); });
}

void Socket::end_stream() noexcept {
  if (!http_.is_stream()) return;
  // With bytes unsent it ends when they are gone.
  turn([this](std::string& out) { http_.end_stream(out, unsent_.empty()); });
}

void Socket::wake() noexcept {
  is_woken_ = true;
  loop_.make_ready(*this);
}

void Socket::become_stream() noexcept {
  const auto user_timeout_ms = static_cast<unsigned>(loop_.context().settings.stream_user_timeout.count());
  setsockopt(descriptor_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

void Socket::due() noexcept {
  if (!descriptor_.is_open()) return;
  if (!unsent_.empty()) return http_.is_stream() ? update_timer() : close();
  turn([this](std::string& out) { http_.expire(out); });
}

void Socket::update_timer() noexcept {
  if (!descriptor_.is_open()) return;
  // A reader that takes nothing is given as long as a body; a stream's is watched by the kernel.
  const bool is_stuck = !unsent_.empty();
  const SteadyTime stuck_until = http_.is_stream() ? loop_.context().now() + loop_.context().settings.heartbeat
                                                   : send_progress_ + loop_.context().settings.body_timeout;
  loop_.wheel().set(*this, is_stuck ? stuck_until : http_.deadline());
}

// --- Receiving -------------------------------------------------------------------------------------------------------

void Socket::ready(std::uint32_t told) noexcept {
  if (!descriptor_.is_open()) return;
  const bool has_failed = (told & (EPOLLERR | EPOLLHUP)) != 0;
  if (has_failed || (told & EPOLLRDHUP) != 0) has_peer_ended_ = true;
  if (has_peer_ended_ || (told & EPOLLIN) != 0) is_readable_ = true;
  if (!unsent_.empty() && (has_failed || (told & EPOLLOUT) != 0)) became_writable();
  receive();
}

bool Socket::wants_bytes() const noexcept {
  return descriptor_.is_open() && (http_.is_stream() || (unsent_.empty() && http_.wants_bytes()));
}

void Socket::receive() noexcept {
  if (!is_readable_ || !wants_bytes()) return;
  const std::span<char> room = loop_.receive_buffer();
  const ssize_t bytes = ::recv(descriptor_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (bytes < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return close();
    is_readable_ = errno == EINTR;
    if (is_readable_) loop_.make_ready(*this);
    return;
  }
  // Nothing tells again of an end that was there with the bytes: it is read for.
  is_readable_ = bytes > 0 && (has_peer_ended_ || static_cast<std::size_t>(bytes) == room.size());
  received({room.data(), static_cast<std::size_t>(bytes)});
}

/// Nothing: the peer's end.
void Socket::received(std::string_view bytes) noexcept {
  add(loop_.context().metrics.bytes_in, bytes.size());
  if (http_.is_stream()) {
    stray_bytes_ += bytes.size();
    if (bytes.empty() || stray_bytes_ > stray_bytes_max) return close();
    if (is_readable_) loop_.make_ready(*this);
    return;
  }
  turn([this, bytes](std::string& out) { bytes.empty() ? http_.receive_end(out) : http_.receive(bytes, out); });
}

// --- Sending ---------------------------------------------------------------------------------------------------------

bool Socket::send(std::string& out) {
  if (!unsent_.empty()) {
    unsent_ += out;
    return false;
  }
  if (out.empty()) return true;
  const ssize_t sent = ::send(descriptor_.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    close();
    return true;
  }
  const std::size_t taken = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  add(loop_.context().metrics.bytes_out, taken);
  if (taken == out.size()) return true;
  unsent_.assign(out, taken);
  unsent_start_ = 0;
  send_progress_ = loop_.context().now();
  return false;
}

void Socket::became_writable() noexcept {
  try {
    if (send_unsent()) turn([this](std::string& out) { http_.advance(out); });
  } catch (const std::exception&) {
    close();
  }
}

bool Socket::send_unsent() {
  const ssize_t sent = ::send(descriptor_.get(), unsent_.data() + unsent_start_, unsent_.size() - unsent_start_,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    close();
    return false;
  }
  if (sent > 0) {
    add(loop_.context().metrics.bytes_out, sent);
    unsent_start_ += static_cast<std::size_t>(sent);
    send_progress_ = loop_.context().now();
  }
  if (unsent_start_ == unsent_.size()) {
    unsent_ = {};
    unsent_start_ = 0;
    return true;
  }
  update_timer();
  return false;
}

// --- The end ---------------------------------------------------------------------------------------------------------

void Socket::close() noexcept {
  if (!descriptor_.is_open()) return;
  descriptor_.close();
  loop_.release(*this);
}

}  // namespace tracking::httpd
