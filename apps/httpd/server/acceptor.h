// Takes connections in and deals them out to the loops.
#pragma once

#include <tracking/service.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "server/file_descriptor.h"
#include "server/loop.h"
#include "server/reactor.h"
#include "server/timing_wheel.h"

namespace tracking::httpd {

/// One listening socket, bound exclusively, so that a second server on its port is an error from the first moment on.
/// It runs on the first loop and hands connections to all in turn, which spreads few connections evenly;
/// SO_REUSEPORT would spread them by chance.
class Acceptor final : public Reactor::Watcher, public TimerEntry {
 public:
  Acceptor(FileDescriptor socket, Shared& shared, std::vector<std::unique_ptr<Loop>>& loops, LoopMetrics& metrics,
           Log log);

  /// Binds and listens; the error names the address.
  static Result<FileDescriptor> bind(std::string_view address);

  std::uint16_t port() const noexcept { return port_; }
  // The first loop's thread.
  void start() noexcept;
  /// Takes what is in the queue already, and closes.
  void close() noexcept;
  void ready(std::uint32_t events) noexcept override;
  void due() noexcept override;

 private:
  /// Accepts what is there; false if the process has no descriptors left.
  bool accept_all() noexcept;
  void pause() noexcept;
  void tell_shortage(int error);
  void refuse(FileDescriptor descriptor) noexcept;

  FileDescriptor socket_;
  Shared& shared_;
  std::vector<std::unique_ptr<Loop>>& loops_;
  Loop& loop_;  // that it runs on
  LoopMetrics& metrics_;
  const Log log_;
  std::uint16_t port_ = 0;
  std::size_t next_loop_ = 0;
  bool is_short_ = false;  // of descriptors or memory, and that was told
};

}  // namespace tracking::httpd
