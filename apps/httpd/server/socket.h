// A connection's socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "server/connection.h"
#include "server/timing_wheel.h"

namespace tracking::httpd {

class Loop;

/// Moves the bytes of one connection: one receive a request, one send for all answers that are ready. Lives on its
/// loop's thread; it is destroyed by the loop when it is closed and no operation is under way any more.
///
/// The receive is given to the reactor with a buffer of its own, because Asio's async_wait would cost an epoll_ctl for
/// each request, while a receive that was not filled needs no other call. What does not fit into that small buffer is
/// read into the loop's large one.
class Socket final : public Transport, public TimerEntry {
 public:
  Socket(Loop& loop, boost::asio::ip::tcp::socket socket, Connection::Peer peer);
  ~Socket() override;

  void start() noexcept;
  /// Goes on after wake().
  void advance() noexcept;
  void begin_drain() noexcept { http_.begin_drain(); }
  void end_when_idle() noexcept;
  void end_stream() noexcept;
  /// Ends at once; it is destroyed when nothing is under way.
  void close() noexcept;

  void wake() noexcept override;
  void become_stream() noexcept override;
  void due() noexcept override;

 private:
  friend class Loop;
  static constexpr std::size_t first_bytes = 1024;

  /// Runs `step(out)` on the connection, then sends and arranges what follows. Nothing escapes it.
  template <class Step>
  void turn(Step step) noexcept;
  void finish_turn(std::string& out);
  /// False if the socket took not all of it; the rest is kept.
  bool send(std::string& out);
  bool send_unsent();
  void received(const boost::system::error_code& error, std::size_t bytes) noexcept;
  void received_on_stream(std::size_t bytes) noexcept;
  std::string_view read_rest(std::size_t bytes) noexcept;
  void became_writable(const boost::system::error_code& error) noexcept;
  void start_receiving();
  void start_waiting_to_write();
  void update_timer() noexcept;
  void release_if_done() noexcept;

  Loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  Connection http_;
  std::string unsent_;
  std::size_t unsent_start_ = 0;
  SteadyTime send_progress_{};
  std::size_t stray_bytes_ = 0;  // sent by the reader of a stream
  bool is_receiving_ = false;
  bool is_waiting_to_write_ = false;
  bool is_closed_ = false;
  bool is_shut_down_ = false;
  bool is_ready_ = false;  // in the loop's list
  // The loop's list of all.
  Socket* previous_ = nullptr;
  Socket* next_ = nullptr;
  char first_[first_bytes];
};

}  // namespace tracking::httpd
