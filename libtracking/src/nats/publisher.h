// The writing side of `nats://`.
#pragma once

#include "nats/connection.h"
#include "nats/publish_permission.h"
#include "nats/publish_queue.h"

#include <tracking/backends.h>

#include <string>

namespace tracking::nats_io {

/// The subject of an account's events, written in place.
class Subject {
 public:
  explicit Subject(const std::string& prefix);
  /// Valid until the next call.
  const char* of(AccountId account_id) noexcept;

 private:
  const std::size_t start_;
  std::string text_;
};

/// Queues events while a link is up that takes them. If the server refuses one (permissions), nothing is taken until it
/// takes an empty message on that subject again, which is tried every five seconds: no event serves as the probe.
class Publisher {
 public:
  Publisher(const Options& options, Log log);

  // Any thread.
  /// True: the I/O thread is to be woken.
  bool publish(const Lines& lines, Completion done) noexcept;
  /// Ok, or why nothing is taken. It is said here before any event is told that it failed for that reason.
  Status status() const noexcept;
  PublishQueue& queue() noexcept { return queue_; }

  // The keeper.
  void connected(Link& link);
  void disconnected();
  Status tick(Link& link);

  // The I/O thread.
  bool has_output() noexcept { return queue_.has_messages(); }
  void write_output(Link& link) noexcept;

 private:
  const std::string server_;  // for messages
  PublishPermission permission_;
  PublishQueue queue_;
  Subject subject_;  // the I/O thread's
};

}  // namespace tracking::nats_io
