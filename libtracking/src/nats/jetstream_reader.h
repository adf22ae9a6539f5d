// Reads the stream in order, from one position on, whatever happens to the link, the server, or the consumer.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "nats/jetstream_api.h"

namespace tracking::jetstream {

/// Where a message stands, as its reply subject tells:
/// $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<position>.<number>.<time>.<waiting>[.<token>]
struct MessagePlace {
  std::string_view consumer;
  std::uint64_t position = 0;  ///< in the stream
  std::uint64_t number = 0;    ///< of the consumer's messages, from 1
  std::uint64_t waiting = 0;   ///< further messages that the consumer will give
};
/// Nothing if it is none.
std::optional<MessagePlace> read_place(std::string_view reply) noexcept;

/// Gets what a reader reads; called by one thread at a time, in order, with nothing locked that a subscription's reader
/// could need.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  /// False: there is no memory for it, and it is to be read again.
  virtual bool on_message(std::uint64_t position, std::string_view subject, std::string_view payload) noexcept = 0;
  /// The stream no longer holds what was before `position`: so many messages, if that is known. False: there is no
  /// memory to tell so, which is to be done again.
  virtual bool on_expired(std::uint64_t position, std::optional<std::uint64_t> missed) noexcept = 0;
  /// Everything before `position` was given, or is not wanted.
  virtual void on_reached(std::uint64_t position) noexcept = 0;
  /// How many messages, of how many bytes, may be asked for; 0 = none, until OrderedReader::ask() is called.
  struct Credit {
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  virtual Credit credit() noexcept = 0;
};

/// A pull consumer that is watched: its messages are numbered, so one that is missing shows, and so does silence, as
/// the server sends a heartbeat each second. Then, and after each connect, it is made again at the next position.
/// Pulling bounds what is on its way to us. What there is no memory for is read again, by another consumer.
/// Thread-safe; see who calls what.
class OrderedReader {
 public:
  /// `filter` is a subject, or empty for every message. `needs_keeper` is called when work waits for the keeper.
  OrderedReader(Api& api, std::uint64_t position, std::string filter, std::shared_ptr<MessageSink> sink,
                std::function<void()> needs_keeper);
  ~OrderedReader();

  // The keeper.
  /// Whether start() or settle() is due.
  bool needs_keeper() const;
  /// Makes the consumer, at the next position or the first that is held. Statuses come on `reply`. `named` gets the
  /// consumer's name before its first message can come.
  Status start(const StreamInfo& info, const std::string& reply, Api::Deadline deadline,
               const std::function<void(const std::string&)>& named) noexcept;
  /// Positions were left out: finds out whether they were events once.
  Status settle(Api::Deadline deadline);
  /// The consumer is gone, or may be.
  void interrupt();
  /// Notices silence.
  void tick();
  /// After it returned, the sink is not called again.
  void stop();

  // The I/O thread.
  /// `bytes` as the server counts them: subject, reply, header and payload.
  void message(const MessagePlace& place, std::string_view subject, std::string_view payload,
               std::size_t bytes) noexcept;
  struct Notice {
    int status = 0;                   ///< 100 = heartbeat; everything else ends a request
    std::uint64_t last_number = 0;    ///< of a heartbeat: what was given so far
    std::uint64_t last_position = 0;  ///< and looked at
    std::uint64_t left = 0;           ///< messages that the request that ended did not give
  };
  void notice(const Notice& notice) noexcept;

  // Any thread.
  /// The sink has room again.
  void ask() noexcept;
  /// Reads on with another filter, from the next position on.
  void set_filter(std::string filter);
  /// The next position that it will give, or pass over.
  std::uint64_t position() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Held {
    std::uint64_t position;
    std::string subject;
    std::string payload;
  };

  Status make_consumer(const StreamInfo& info, const std::string& reply, Api::Deadline deadline,
                       const std::function<void(const std::string&)>& named);

  void want_again() noexcept;

  // mutex_ held.
  void fail() noexcept;
  void request() noexcept;
  // delivery_mutex_ held, mutex_ not.
  bool deliver(std::uint64_t position, std::string_view subject, std::string_view payload) noexcept;
  void read_again(std::uint64_t position) noexcept;

  Api& api_;
  const std::shared_ptr<MessageSink> sink_;
  const std::function<void()> call_keeper_;

  // Held while the sink is called, before mutex_. No reader of a subscription ever takes it.
  std::mutex delivery_mutex_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::string filter_;
  std::string name_;  // of the consumer
  std::string reply_;
  bool is_wanted_ = true;  // start() is due
  bool is_stopped_ = false;
  bool is_settling_ = false;  // messages are held until the keeper knows what was left out
  bool sees_all_ = false;     // the stream has no messages but those that we ask for: positions have no holes
  std::uint64_t next_;
  std::uint64_t last_known_ = 0;  // the stream's end when the consumer was made
  std::uint64_t given_ = 0;       // messages of this consumer
  // What is still to come of the one request under way. Ours is the server's own reckoning: it tells the end of a
  // request by bytes, unless they were used up exactly.
  std::uint64_t messages_left_ = 0;
  std::size_t bytes_left_ = 0;
  std::uint64_t batch_ = 0;        // messages asked for
  std::size_t request_bytes_ = 0;  // bytes asked for
  Time heard_{};
  Time stalled_{};  // since when nothing is asked for
  std::deque<Held> held_;
};

}  // namespace tracking::jetstream
