// A connection's socket.
#pragma once

#include <string>
#include <string_view>

#include "server/connection.h"
#include "server/file_descriptor.h"
#include "server/reactor.h"
#include "server/timing_wheel.h"

namespace tracking::httpd {

class Loop;

/// Moves the bytes of one connection: one receive a request, one send for all answers that are ready. Lives on its
/// loop's thread; it is destroyed by the loop at the end of the round in which it was closed.
///
/// The kernel tells once that bytes have come. A receive that its buffer was large enough for has taken all of them,
/// so that none is tried in vain.
class Socket final : public Transport, public TimerEntry, public Reactor::Watcher {
 public:
  /// What it is to be watched for.
  static constexpr std::uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

  Socket(Loop& loop, FileDescriptor descriptor, Connection::Peer peer);

  void start() noexcept;
  /// Goes on with what it asked its loop for.
  void go_on() noexcept;
  void begin_drain() noexcept { http_.begin_drain(); }
  void end_when_idle() noexcept;
  void end_stream() noexcept;
  /// Ends at once.
  void close() noexcept;

  void wake() noexcept override;
  void advance() noexcept override;
  void become_stream() noexcept override;
  void due() noexcept override;
  void ready(std::uint32_t events) noexcept override;

 private:
  friend class Loop;

  /// Runs `step(out)` on the connection, then sends and arranges what follows. Nothing escapes it.
  template <class Step>
  void turn(Step step) noexcept;
  void finish_turn(std::string& out);
  /// False if the socket took not all of it; the rest is kept.
  bool send(std::string& out);
  bool send_unsent();
  bool wants_bytes() const noexcept;
  void receive() noexcept;
  void received(std::string_view bytes) noexcept;
  void became_writable() noexcept;
  void update_timer() noexcept;

  Loop& loop_;
  FileDescriptor descriptor_;
  Connection http_;
  std::string unsent_;
  std::size_t unsent_start_ = 0;
  SteadyTime send_progress_{};
  std::size_t stray_bytes_ = 0;  // sent by the reader of a stream
  bool is_readable_ = false;     // something came, and no receive has found the end of it
  bool has_peer_ended_ = false;
  bool is_woken_ = false;
  bool is_shut_down_ = false;
  bool is_ready_ = false;  // in the loop's list
  // The loop's list of all.
  Socket* previous_ = nullptr;
  Socket* next_ = nullptr;
};

}  // namespace tracking::httpd
