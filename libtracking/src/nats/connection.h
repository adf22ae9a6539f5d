// A connection that is made, watched, and made again for as long as it is wanted.
#pragma once

#include "nats/io_thread.h"
#include "nats/options.h"

#include <bitset>
#include <random>

namespace tracking::nats_io {

/// What lives on a connection. on_...() are called by the connection's keeper, a thread that may block while the I/O
/// thread reads and writes; never two at once, and connected and disconnected in turns.
class ConnectionUser : public Traffic {
 public:
  /// After each connect, with the link being served: make subscriptions here. A failure breaks the link, and both are
  /// tried again after a pause; on_disconnected() is called then too.
  virtual Status on_connected(const std::shared_ptr<Link>& link) noexcept = 0;
  /// The link is lost and not served any more: drop what belongs to it. What cnats had not sent yet is lost with it.
  virtual void on_disconnected(const Status& reason) noexcept = 0;
  /// A pass over the servers failed, or the link was lost: it is tried again after this.
  virtual void on_unavailable(const Status& /*reason*/) noexcept {}
  /// About once a second while connected, and soon after Connection::nudge(). A failure breaks the link.
  virtual Status on_tick(const std::shared_ptr<Link>& /*link*/) noexcept { return {}; }

 protected:
  ~ConnectionUser() = default;
};

/// Connects at once, and again for ever: to one server after the other, in passes with a jittered pause of up to 0.8 s
/// (2 s while refused) between them. A link on which two PINGs, sent 4 s apart, were not answered within another 4 s is
/// broken. The log gets a line for each change: connected, no server, refused, lost. An attempt that there is no memory
/// for is one that failed. Thread-safe.
class Connection {
 public:
  /// Starts two threads; throws std::exception if it cannot. `user` outlives the connection.
  Connection(Options options, ConnectionUser& user, Log log);
  /// Breaks the link without flushing; on_disconnected() is called if a link was up. Must not be called by the user's
  /// own callbacks.
  ~Connection();

  /// Ok while a link is up and on_connected() has succeeded for it, else broker_unavailable with the reason.
  Status status() const noexcept;
  /// The link, or nothing.
  std::shared_ptr<Link> link() const;
  /// Waits until the first pass over the servers has an outcome, or time is up: a program may publish at once then.
  Status wait_first_attempt(std::chrono::milliseconds time) const;
  /// How often a link came up.
  std::uint64_t connects() const noexcept { return connects_; }
  /// There is output.
  void wake() noexcept { io_.wake(); }
  /// on_tick() is wanted soon.
  void nudge() noexcept;
  /// Waits until the server has read all that was given to cnats before.
  Status flush(std::chrono::milliseconds time) noexcept;
  /// The same, and that all messages which the server had sent before were given to Traffic::read_input(). Not for the
  /// I/O thread.
  Status fence(std::chrono::milliseconds time) noexcept;

  const Options& options() const noexcept { return options_; }

 private:
  enum class Phase : std::uint8_t { starting, connected, no_server, refused, not_set_up, lost };

  void run() noexcept;
  std::shared_ptr<Link> try_servers();
  Result<std::shared_ptr<Link>> try_server(const std::string& server);
  void remember_discovered(Link& link) noexcept;
  void keep(const std::shared_ptr<Link>& link, const std::string& server) noexcept;
  Status watch(const std::shared_ptr<Link>& link);
  bool wait_for_tick(const Link& link);
  void wait_until_lost(const Link& link);
  void pause();
  bool is_stopping() const;
  void set(Phase phase, Status status) noexcept;
  void tell(Phase phase);

  const Options options_;
  ConnectionUser& user_;
  const Log log_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  Phase phase_ = Phase::starting;
  Status status_;
  std::shared_ptr<Link> link_;
  bool is_stopping_ = false;
  bool is_nudged_ = false;

  std::atomic<std::uint64_t> connects_{0};

  // The keeper alone.
  std::vector<std::string> servers_;  // as configured, then as servers told
  std::string server_;                // that the last link is to
  unsigned failures_ = 0;             // passes since the last connection
  std::minstd_rand random_;
  std::bitset<8> told_;  // phases that the log has been told of, since the last connection or the last minute
  std::chrono::steady_clock::time_point next_told_{};

  IoThread io_;
  std::thread keeper_;
};

}  // namespace tracking::nats_io
