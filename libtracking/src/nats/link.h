// One connection to one server, from its making to its loss.
#pragma once

#include <tracking/status.h>

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace tracking::nats_io {

struct OptionsDeleter {
  void operator()(natsOptions* options) const noexcept { natsOptions_Destroy(options); }
};
using NatsOptions = std::unique_ptr<natsOptions, OptionsDeleter>;

/// What cnats said last on this thread, or what the status means.
std::string last_error(natsStatus status);

/// A natsConnection in event-loop mode that never reconnects by itself: while cnats reconnects it holds the
/// connection's lock for seconds, keeps what is published meanwhile to send it later, and does not reset its parser in
/// this mode. So each attempt to connect makes a Link, and a lost one is thrown away.
///
/// The I/O thread alone calls process_...(), and so it alone closes the socket. Any thread may use get() for as long
/// as it holds the Link: after the loss cnats answers NATS_CONNECTION_CLOSED. The lock of cnats is held for a send()
/// at most (with TLS up to the write deadline, which is a second).
class Link {
 public:
  /// Connects to the one server that `options` names; blocks up to their time-out. `changed` is called, on any thread
  /// and maybe with cnats' lock held, when there is something to send and when the link is lost; it must be quick.
  static Result<std::shared_ptr<Link>> connect(natsOptions* options, std::function<void()> changed);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  natsConnection* get() const noexcept { return connection_; }
  bool is_lost() const noexcept { return is_lost_; }
  /// The largest payload that the server takes, in bytes.
  std::size_t payload_bytes_max() const noexcept { return payload_bytes_max_; }
  /// Why it was lost, as far as cnats knows.
  std::string reason() const;

  // The I/O thread.
  int descriptor() const noexcept { return descriptor_; }
  /// cnats has bytes that the socket did not take yet.
  bool has_unsent() const noexcept { return has_unsent_; }
  void process_read();
  void process_write();

  // Any thread.
  /// Sends a PING; whatever comes back shows in heard().
  void ping() noexcept;
  /// When bytes came from the server last.
  std::chrono::steady_clock::time_point heard() const noexcept { return heard_; }
  /// Breaks the link: the I/O thread then notices the loss. `reason` is what reason() says.
  void cut(std::string reason) noexcept;

 private:
  explicit Link(std::function<void()> changed) : changed_(std::move(changed)) {}
  static natsStatus attach(void** user, void* loop, natsConnection* connection, natsSock descriptor);
  static natsStatus set_reading(void* user, bool is_wanted);
  static natsStatus set_writing(void* user, bool is_wanted);
  static natsStatus detach(void* user);

  const std::function<void()> changed_;
  natsConnection* connection_ = nullptr;  // constant after connect()
  std::size_t payload_bytes_max_ = 0;     // constant after connect()
  std::atomic<bool> is_lost_{false};
  std::atomic<bool> has_unsent_{false};
  std::atomic<std::chrono::steady_clock::time_point> heard_{std::chrono::steady_clock::now()};
  std::atomic<int> descriptor_{-1};
  mutable std::mutex mutex_;
  bool is_open_ = false;    // guarded by mutex_: the descriptor may be shut down
  std::string cut_reason_;  // guarded by mutex_
};

}  // namespace tracking::nats_io
