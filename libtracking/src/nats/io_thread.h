// The thread that moves bytes between a link's socket and cnats.
#pragma once

#include "nats/link.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace tracking::nats_io {

/// What the I/O thread calls, one at a time, for a link that is attached.
class Traffic {
 public:
  /// Something waits to be written: write_output() is called once the socket has taken all that was written before.
  virtual bool has_output() noexcept { return false; }
  /// Publishes through cnats, which only fills its buffer. At most some hundred KiB a call: it is called again.
  virtual void write_output(Link& /*link*/) noexcept {}
  /// cnats has read from the socket: subscriptions without a handler may have messages now.
  virtual void read_input(Link& /*link*/) noexcept {}
  /// Once, when the link is lost: no answer comes on it any more. The keeper may be waiting for one.
  virtual void link_lost() noexcept {}

 protected:
  ~Traffic() = default;
};

/// Serves one link at a time. Thread-safe.
class IoThread {
 public:
  /// `on_lost` is called by the I/O thread, once for each attached link that is lost.
  IoThread(Traffic& traffic, std::function<void()> on_lost);
  /// No link is attached any more.
  ~IoThread();

  void attach(std::shared_ptr<Link> link);
  /// After it returned the link is not touched any more.
  void detach();

  /// Waits until what cnats has read before this call was given to Traffic::read_input(). False: it was not in time.
  bool wait_round(std::chrono::milliseconds time);

  /// Has the thread look at Traffic::has_output() and at the link's state. Costs a system call only if it sleeps: a
  /// burst of calls is one wake.
  void wake() noexcept;

 private:
  void run();
  bool is_stopped();
  bool has_news();
  bool has_output();
  void serve();
  void watch_socket();
  void wait();

  Traffic& traffic_;
  const std::function<void()> on_lost_;
  const int poller_;
  const int signal_;
  std::atomic<bool> is_awake_{true};

  std::mutex mutex_;
  std::condition_variable round_began_;
  std::shared_ptr<Link> wanted_;                        // guarded by mutex_
  bool is_stopping_ = false;                            // guarded by mutex_
  std::uint64_t rounds_wanted_ = 0, rounds_begun_ = 0;  // guarded by mutex_

  // The thread alone, but for serving_, which detach() compares with mutex_ held.
  std::shared_ptr<Link> serving_;
  bool is_lost_told_ = false;
  bool is_readable_ = false;
  bool is_writable_ = true;  // as far as is known
  bool watches_writable_ = false;
  std::thread thread_;
};

}  // namespace tracking::nats_io
