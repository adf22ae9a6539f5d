// One connection to one server, from its making to its loss.
#pragma once

#include <tracking/status.h>

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

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
  /// Called on any thread, with locks held; must be quick.
  struct Callbacks {
    std::function<void()> changed;  ///< there is something to send, or the link is lost
    std::function<void()> refused;  ///< the server let us know that we may not do something
  };
  /// Connects to the one server that `options` names, by TLS if it is to be secure; blocks up to their time-out.
  /// could_not_connect, unauthorized, or forbidden = no TLS that both take.
  static Result<std::shared_ptr<Link>> connect(natsOptions* options, bool is_secure, Callbacks callbacks);
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
  /// What the server would not have us publish, if there was something since the last call: its words.
  std::optional<std::string> take_publish_refusal();
  /// The same, after waiting for one: cnats tells of it on a thread of its own.
  std::optional<std::string> wait_publish_refusal(std::chrono::milliseconds time);
  /// How often it would not have us subscribe; waits for the number to exceed `known`.
  std::uint64_t subscribe_refusals(std::uint64_t known, std::chrono::milliseconds time);
  /// Breaks the link: the I/O thread then notices the loss. `reason` is what reason() says.
  void cut(std::string_view reason) noexcept;

 private:
  friend class Links;
  explicit Link(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  static void handle_error(natsConnection* connection, natsSubscription*, natsStatus status, void*);
  void note_refusal(const char* text) noexcept;
  static natsStatus attach(void** user, void* loop, natsConnection* connection, natsSock descriptor);
  static natsStatus set_reading(void* user, bool is_wanted);
  static natsStatus set_writing(void* user, bool is_wanted);
  static natsStatus detach(void* user);

  const Callbacks callbacks_;
  Link* next_ = nullptr;                  // the list's that handle_error() looks into
  natsConnection* connection_ = nullptr;  // constant after connect()
  std::size_t payload_bytes_max_ = 0;     // constant after connect()
  std::atomic<bool> is_lost_{false};
  std::atomic<bool> has_unsent_{false};
  std::atomic<std::chrono::steady_clock::time_point> heard_{std::chrono::steady_clock::now()};
  std::atomic<int> descriptor_{-1};
  mutable std::mutex mutex_;
  bool is_open_ = false;    // guarded by mutex_: the descriptor may be shut down
  std::string cut_reason_;  // guarded by mutex_
  std::condition_variable refused_;
  std::optional<std::string> publish_refusal_;  // guarded by mutex_
  std::uint64_t subscribe_refusals_ = 0;        // guarded by mutex_
};

}  // namespace tracking::nats_io
