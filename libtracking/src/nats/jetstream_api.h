// Calls of the JetStream API ($JS.API.>), that wait for their answer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nats/jetstream_settings.h"
#include "nats/link.h"

namespace tracking::jetstream {

/// A message of the stream.
struct StoredMessage {
  std::uint64_t position = 0;
  std::string payload;
};

/// A consumer: the server's side of one pass over the stream, gone by itself some seconds after it was last used.
struct ConsumerStart {
  std::uint64_t position = 1;
  std::optional<Timestamp> time = std::nullopt;  ///< instead: the first message stored at this time or later
  std::string filter = "";                       ///< a subject; empty = every message
};
struct Consumer {
  std::string name;
  std::uint64_t position = 0;  ///< where it begins
  std::uint64_t waiting = 0;   ///< messages that it will give, as of now
};

/// Thread-safe. Calls are made by any thread but the I/O thread, which brings the answers. A call that is not answered
/// says timed_out; without a link, or with no JetStream behind it, broker_unavailable. Errors of the API that say that
/// something is not there are not_found.
class Api {
 public:
  Api(std::string stream, std::string wildcard) : stream_(std::move(stream)), wildcard_(std::move(wildcard)) {}

  // The keeper. Answers come on `<inbox>.<number>`.
  void connect(std::shared_ptr<nats_io::Link> link, const std::string& inbox);
  void disconnect() noexcept;
  /// Gives up what find_message() asked for too long ago.
  void expire() noexcept;

  // The I/O thread.
  /// Ends the calls that are under way: their answers do not come any more.
  void link_lost() noexcept;
  void answer(std::uint64_t number, std::string_view payload) noexcept;
  /// Nobody answers: NATS does not say whose call that was, and it holds for all.
  void no_responders() noexcept;

  using Deadline = std::chrono::steady_clock::time_point;
  Result<StreamInfo> stream_info(Deadline deadline, std::string* config = nullptr);
  Status create_stream(const std::string& config, Deadline deadline);
  Result<Consumer> create_consumer(const ConsumerStart& start, Deadline deadline);
  /// Has the server forget it before it ages; waits for nothing.
  void drop_consumer(const std::string& name) noexcept;
  /// not_found: it holds no message there.
  Result<StoredMessage> message_at(std::uint64_t position, Deadline deadline);
  /// The same without waiting: `found` is called once, mostly by the I/O thread. False: too many are under way, or
  /// there is no memory for one more.
  bool find_message(std::uint64_t position, std::function<void(const Result<StoredMessage>&)> found) noexcept;
  /// Asks for messages to be delivered to `reply`; waits for nothing. False: it was not sent.
  bool pull(const std::string& consumer, const std::string& request, const std::string& reply) noexcept;

  /// False: the last call was not answered in time, and none was since.
  bool is_responsive() const;
  const std::string& stream() const noexcept { return stream_; }
  const std::string& wildcard() const noexcept { return wildcard_; }

 private:
  struct Call {
    const char* failure = nullptr;  ///< of broker_unavailable
    std::optional<std::string> answer = std::nullopt;
    bool is_over() const { return failure || answer; }
  };
  struct Search {
    std::function<void(const Result<StoredMessage>&)> found;
    Deadline deadline;
  };
  static constexpr std::size_t searches_max = 1'024;

  void fail_calls(const char* why) noexcept;  // mutex_ held
  void end_searches(bool all) noexcept;
  Result<std::string> call(const std::string& subject, const std::string& body, Deadline deadline);
  Status not_answered(nats_io::Link& link) const;
  bool send(const std::string& subject, const std::string& body, std::string reply);
  std::string name_in_stream(const std::string& consumer) const { return stream_ + '.' + consumer; }

  const std::string stream_;
  const std::string wildcard_;

  mutable std::mutex mutex_;
  std::condition_variable answered_;
  // Guarded by mutex_.
  std::shared_ptr<nats_io::Link> link_;
  std::string inbox_;
  std::uint64_t next_number_ = 1;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::map<std::uint64_t, Search> searches_;  // in the order of their deadlines
  bool is_responsive_ = true;
};

}  // namespace tracking::jetstream
