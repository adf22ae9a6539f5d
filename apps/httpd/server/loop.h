// One event loop: a thread, its connections, its lane.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/file_descriptor.h"
#include "server/loop_context.h"
#include "server/reactor.h"
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
  /// Runs the task on the loop's thread.
  void post(std::function<void()> task) { reactor_->post(std::move(task)); }
  /// Takes a connection.
  void adopt(FileDescriptor descriptor, Connection::Peer peer) noexcept;
  void close_idle();
  void end_streams();
  void cut_connections();
  /// Cuts all and ends when the last answer has arrived.
  void stop();
  /// After stop(): waits for the thread, and with it for the answers that are still out.
  void join();
  /// Whether what was asked for by the last call has been handled since; asks again if so. The first call is true.
  bool has_come_round() noexcept;

  /// From now on connections end with their next answer, which says so; idle ones stay. On its own thread.
  void begin_drain() noexcept;

  // For its sockets, and for the acceptor if it is the first loop.
  LoopContext& context() noexcept { return *context_; }
  Reactor& reactor() noexcept { return *reactor_; }
  /// Turns while there are sockets, or while it is kept turning.
  TimingWheel& wheel() noexcept { return wheel_; }
  void keep_turning() noexcept;
  void let_rest() noexcept { --turning_for_; }
  std::string& output() noexcept { return output_; }
  std::span<char> receive_buffer() noexcept { return receive_buffer_; }
  /// go_on() is called soon, once, together with all that became ready meanwhile.
  void make_ready(Socket& socket) noexcept;
  /// Destroys the socket at the end of the round.
  void release(Socket& socket) noexcept;

 private:
  /// Goes through the inbox, as answers and events do.
  struct Pulse final : InboxItem {
    void arrive() noexcept override { has_arrived.store(true); }
    std::atomic<bool> has_arrived{true};
  };

  void run() noexcept;
  void take(FileDescriptor descriptor, Connection::Peer peer) noexcept;
  void run_ready() noexcept;
  void turn_wheel() noexcept;
  void destroy_released() noexcept;
  void end_if_done() noexcept;
  template <class Function>
  void for_each_socket(Function function) noexcept;

  Shared& shared_;
  // Shared with the inbox, which may be notified by a thread that is late.
  const std::shared_ptr<Reactor> reactor_;
  std::optional<LoopContext> context_;
  TimingWheel wheel_;
  std::string output_;
  std::vector<char> receive_buffer_;
  std::vector<Socket*> ready_;
  std::vector<Socket*> running_;  // what run_ready() goes through
  Socket* first_ = nullptr;       // all sockets that are open
  Socket* released_ = nullptr;    // those that are closed, by their previous_
  std::size_t sockets_ = 0;       // that are not destroyed yet
  std::size_t turning_for_ = 0;   // who needs the wheel
  bool is_turning_ = false;
  bool is_draining_ = false;
  bool is_stopping_ = false;
  bool is_done_ = false;
  Pulse pulse_;
  std::thread thread_;
};

}  // namespace tracking::httpd
