// One stream, over one connection: published to, looked after, and read.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "nats/connection.h"
#include "nats/jetstream_feed.h"
#include "nats/jetstream_publisher.h"
#include "nats/jetstream_scan.h"
#include "nats/jetstream_stream.h"
#include "nats/jetstream_text.h"
#include "nats/publish_permission.h"

namespace tracking::jetstream {

/// What brokers and subscribers at a distance share. Thread-safe.
class StreamClient final : private nats_io::ConnectionUser {
 public:
  struct Purpose {
    bool publishes = true;  ///< and makes the stream if there is none
    std::size_t history_bytes_max = 64u << 20;
    /// Called by the connection's keeper, when the stream is there and was looked at: about once a second.
    std::function<void()> on_ready = {};
  };
  StreamClient(nats_io::Options options, Settings settings, Purpose purpose, Clock& clock, Log log);
  ~StreamClient();

  /// Starts to connect, and waits for that so long at most. May throw std::exception.
  void connect(std::chrono::milliseconds patience);
  void publish(const Lines& lines, Completion done) noexcept;
  /// Answers within a second, or says broker_unavailable. Called by any thread but the I/O thread. The client outlives
  /// the subscription.
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept;
  /// Readers of one account alone need no others; empty = all of them.
  void set_filter(std::optional<AccountId> only);
  /// Ends the connection: on_ready is not called again.
  void disconnect() noexcept;

  /// Ok if the stream takes events now; else broker_unavailable and why.
  Status health() const noexcept;
  Status connection_status() const noexcept { return connection_->status(); }
  BrokerStats stats();

  /// Waits until the live history holds all that was acknowledged to us.
  void catch_up() noexcept;
  /// Waits until the live history holds all that is in the stream now.
  void catch_up_with_stream() noexcept;
  Status close(std::chrono::milliseconds deadline) noexcept;

 private:
  class LiveSubscription;
  /// The subscriptions that answers come on; the I/O thread takes what they hold.
  struct Inbox {
    explicit Inbox(const char* called) : name(called), reply(name + ".a.") {}
    ~Inbox();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    const std::string name;
    Text reply;  // the I/O thread's
    natsSubscription* acks = nullptr;
    natsSubscription* answers = nullptr;
    natsSubscription* messages = nullptr;
  };

  Status on_connected(const std::shared_ptr<nats_io::Link>& link) noexcept override;
  void on_disconnected(const Status& reason) noexcept override;
  Status on_tick(const std::shared_ptr<nats_io::Link>& link) noexcept override;
  bool has_output() noexcept override { return publisher_.has_output(); }
  void write_output(nats_io::Link& link) noexcept override;
  void read_input(nats_io::Link& link) noexcept override;
  void link_lost() noexcept override { api_.link_lost(); }

  void nudge() noexcept;
  /// Ok if there is a connection, and the stream.
  Status stream_status() const;
  Result<std::unique_ptr<Subscription>> open(const SubscribeOptions& options, Wake wake);

  // The keeper.
  Status set_up(const std::shared_ptr<nats_io::Link>& link);
  bool look(nats_io::Link& link) noexcept;
  bool try_look(nats_io::Link& link);
  Status check_permission(nats_io::Link& link) noexcept;
  void tell_troubles() noexcept;
  bool tell_skipped() noexcept;

  // The I/O thread.
  void take_ack(std::uint64_t number, const PubAck& ack) noexcept;
  void read_message(const std::string& inbox, natsMsg* message, std::size_t bytes) noexcept;
  std::shared_ptr<Inbox> inbox() const;

  const nats_io::Options options_;
  const Settings settings_;
  const Purpose purpose_;
  Clock& clock_;
  const Log log_;

  Api api_;
  EventReader events_;
  ReaderSet readers_;
  LiveFeed feed_;
  Publisher publisher_;
  nats_io::PublishPermission permission_;
  StreamKeeper stream_;

  mutable std::mutex mutex_;
  std::shared_ptr<Inbox> inbox_;  // guarded by mutex_
  std::atomic<bool> is_closed_{false};
  std::atomic<nats_io::Connection*> nudged_{nullptr};

  // The keeper's.
  std::chrono::steady_clock::time_point next_look_{};
  std::chrono::steady_clock::time_point next_report_{};
  std::uint64_t skipped_told_ = 0;

  // The I/O thread's.
  Text subject_;
  Text key_{""};

  std::unique_ptr<nats_io::Connection> connection_;  // the last: it calls all of the above
};

}  // namespace tracking::jetstream
