// Takes connections in and deals them out to the loops.
#pragma once

#include <tracking/service.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/loop.h"

namespace tracking::httpd {

/// One listening socket, bound exclusively, so that a second server on its port is an error from the first moment on.
/// It runs on the first loop and hands connections to all in turn, which spreads few connections evenly;
/// SO_REUSEPORT would spread them by chance.
class Acceptor {
 public:
  Acceptor(boost::asio::ip::tcp::acceptor socket, Shared& shared, std::vector<std::unique_ptr<Loop>>& loops,
           LoopMetrics& metrics, Log log);

  /// Binds and listens; the error names the address.
  static Result<boost::asio::ip::tcp::acceptor> bind(boost::asio::io_context& io, std::string_view address);

  std::uint16_t port() const noexcept { return port_; }
  // The first loop's thread.
  void start();
  /// Takes what is in the queue already, and closes.
  void close() noexcept;

 private:
  void wait();
  /// Accepts all that is there; false if the process has no descriptors left.
  bool accept_all() noexcept;
  void pause(int error);
  void refuse(int descriptor) noexcept;

  boost::asio::ip::tcp::acceptor socket_;
  boost::asio::steady_timer pause_;
  Shared& shared_;
  std::vector<std::unique_ptr<Loop>>& loops_;
  LoopMetrics& metrics_;
  const Log log_;
  std::uint16_t port_ = 0;
  std::size_t next_loop_ = 0;
  bool is_paused_ = false;
};

}  // namespace tracking::httpd
