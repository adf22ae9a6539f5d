#include "server/socket.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/loop.h"

namespace tracking::httpd {
namespace {

namespace asio = boost::asio;

/// How often a connection may go on within one turn before others get theirs.
constexpr int rounds_max = 4;
/// A stream's reader has nothing to say; what it says all the same is dropped up to here.
constexpr std::size_t stray_bytes_max = 64 * 1024;

}  // namespace

Socket::Socket(Loop& loop, asio::ip::tcp::socket socket, Connection::Peer peer)
    : loop_(loop), socket_(std::move(socket)), http_(loop.context(), *this, peer) {}

Socket::~Socket() = default;

template <class Step>
void Socket::turn(Step step) noexcept {
  if (is_closed_) return;
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
    if (is_closed_) return;
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
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  if (http_.is_stream() || (has_sent_all && http_.wants_bytes())) start_receiving();
  update_timer();
}

void Socket::start() noexcept {
  turn([](std::string&) {});
}

void Socket::advance() noexcept {
  if (!unsent_.empty()) return;  // it goes on when that is sent
  turn([this](std::string& out) { http_.advance(out); });
}

void Socket::end_when_idle() noexcept {
  if (is_closed_) return;
  std::string_view pending;
  if (http_.is_idle()) pending = read_rest(0);
  turn([this, pending](std::string& out) { http_.end_when_idle(pending, out); });
}

void Socket::end_stream() noexcept {
  if (!http_.is_stream()) return;
  // With bytes unsent it ends when they are gone.
  turn([this](std::string& out) { http_.end_stream(out, unsent_.empty()); });
}

void Socket::wake() noexcept { loop_.make_ready(*this); }

void Socket::become_stream() noexcept {
  const int fd = socket_.native_handle();
  const auto user_timeout_ms = static_cast<unsigned>(loop_.context().settings.stream_user_timeout.count());
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

void Socket::due() noexcept {
  if (is_closed_) return;
  if (!unsent_.empty()) return http_.is_stream() ? update_timer() : close();
  turn([this](std::string& out) { http_.expire(out); });
}

void Socket::update_timer() noexcept {
  if (is_closed_) return;
  // A reader that takes nothing is given as long as a body; a stream's is watched by the kernel.
  const bool is_stuck = !unsent_.empty();
  const SteadyTime stuck_until = http_.is_stream() ? loop_.context().now() + loop_.context().settings.heartbeat
                                                   : send_progress_ + loop_.context().settings.body_timeout;
  loop_.wheel().set(*this, is_stuck ? stuck_until : http_.deadline());
}

// --- Receiving -------------------------------------------------------------------------------------------------------

void Socket::start_receiving() {
  if (is_receiving_ || is_closed_) return;
  is_receiving_ = true;
  socket_.async_receive(asio::buffer(first_), [this](const boost::system::error_code& error, std::size_t bytes) {
    is_receiving_ = false;
    received(error, bytes);
  });
}

void Socket::received(const boost::system::error_code& error, std::size_t bytes) noexcept {
  if (is_closed_) return release_if_done();
  loop_.context().tick();
  if (error && error != asio::error::eof) return close();
  add(loop_.context().metrics.bytes_in, bytes);
  if (http_.is_stream()) return error ? close() : received_on_stream(bytes);
  if (error) return turn([this](std::string& out) { http_.receive_end(out); });
  const std::string_view all = bytes < first_bytes ? std::string_view(first_, bytes) : read_rest(bytes);
  turn([this, all](std::string& out) { http_.receive(all, out); });
}

void Socket::received_on_stream(std::size_t bytes) noexcept {
  stray_bytes_ += bytes;
  if (stray_bytes_ > stray_bytes_max) return close();
  try {
    start_receiving();
  } catch (const std::exception&) {
    close();
  }
}

/// The first `bytes` are in first_; whatever else is there comes behind them in the loop's buffer.
std::string_view Socket::read_rest(std::size_t bytes) noexcept {
  const std::span<char> room = loop_.receive_buffer();
  std::copy_n(first_, bytes, room.data());
  const ssize_t more = ::recv(socket_.native_handle(), room.data() + bytes, room.size() - bytes, MSG_DONTWAIT);
  if (more > 0) {
    add(loop_.context().metrics.bytes_in, more);
    bytes += static_cast<std::size_t>(more);
  }
  return {room.data(), bytes};  // an end or error is told by the next receive
}

// --- Sending ---------------------------------------------------------------------------------------------------------

bool Socket::send(std::string& out) {
  if (!unsent_.empty()) {
    unsent_ += out;
    return false;
  }
  if (out.empty()) return true;
  const ssize_t sent = ::send(socket_.native_handle(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
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
  start_waiting_to_write();
  return false;
}

void Socket::start_waiting_to_write() {
  if (is_waiting_to_write_) return;
  is_waiting_to_write_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write, [this](const boost::system::error_code& error) {
    is_waiting_to_write_ = false;
    became_writable(error);
  });
}

void Socket::became_writable(const boost::system::error_code& error) noexcept {
  if (is_closed_) return release_if_done();
  if (error) return close();
  loop_.context().tick();
  try {
    if (send_unsent()) turn([this](std::string& out) { http_.advance(out); });
  } catch (const std::exception&) {
    close();
  }
}

bool Socket::send_unsent() {
  const ssize_t sent = ::send(socket_.native_handle(), unsent_.data() + unsent_start_, unsent_.size() - unsent_start_,
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
  start_waiting_to_write();
  update_timer();
  return false;
}

// --- The end ---------------------------------------------------------------------------------------------------------

void Socket::close() noexcept {
  if (is_closed_) return;
  is_closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  release_if_done();
}

void Socket::release_if_done() noexcept {
  if (is_closed_ && !is_receiving_ && !is_waiting_to_write_) loop_.release(*this);
}

}  // namespace tracking::httpd
