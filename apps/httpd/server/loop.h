// One event loop: a thread, its connections, its lane.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/loop_context.h"
#include "server/socket.h"
#include "server/timing_wheel.h"

namespace tracking::httpd {

/// Everything runs on the loop's thread but the functions that say otherwise.
class Loop {
 public:
  Loop(Shared& shared, LoopMetrics& metrics);
  ~Loop();

  // Any thread, before stop().
  void start();
  /// Takes a connection.
  void adopt(int descriptor, Connection::Peer peer);
  /// Connections end with their next answer, which says so; idle ones stay.
  void begin_drain();
  void close_idle();
  void end_streams();
  void cut_connections();
  /// Cuts all and ends when the last answer has arrived.
  void stop();
  /// After stop(): waits for the thread, and with it for the answers that are still out.
  void join();
  /// Whether what was asked for by the last call has been handled since; asks again if so. The first call is true.
  bool has_come_round() noexcept;
  boost::asio::io_context& io() noexcept { return *io_; }

  // For its sockets.
  LoopContext& context() noexcept { return *context_; }
  TimingWheel& wheel() noexcept { return wheel_; }
  std::string& output() noexcept { return output_; }
  std::span<char> receive_buffer() noexcept { return receive_buffer_; }
  /// advance() is called soon, once, together with all that became ready meanwhile.
  void make_ready(Socket& socket) noexcept;
  /// Destroys the socket soon.
  void release(Socket& socket) noexcept;

 private:
  /// Goes through the inbox, as answers and events do.
  struct Pulse final : InboxItem {
    void arrive() noexcept override { has_arrived.store(true); }
    std::atomic<bool> has_arrived{true};
  };

  void run() noexcept;
  void take(int descriptor, Connection::Peer peer) noexcept;
  void run_ready() noexcept;
  void arm_timer();
  void end_if_done() noexcept;
  template <class Function>
  void for_each_socket(Function function) noexcept;

  Shared& shared_;
  // Shared with the inbox, which may be notified by a thread that is late.
  const std::shared_ptr<boost::asio::io_context> io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::optional<LoopContext> context_;
  boost::asio::steady_timer timer_;
  TimingWheel wheel_;
  std::string output_;
  std::vector<char> receive_buffer_;
  std::vector<Socket*> ready_;
  std::vector<Socket*> running_;  // what run_ready() goes through
  Socket* first_ = nullptr;       // all sockets that are open
  std::size_t sockets_ = 0;       // that are not destroyed yet
  bool is_timer_armed_ = false;
  bool is_draining_ = false;
  bool is_stopping_ = false;
  Pulse pulse_;
  std::thread thread_;
};

}  // namespace tracking::httpd
