// Sees to it that the stream is there.
#pragma once

#include <tracking/backends.h>

#include <mutex>

#include "nats/jetstream_api.h"

namespace tracking::jetstream {

/// Makes the stream, or takes the one that is there as it is, or says why it cannot be used. look() is called by the
/// connection's keeper, the rest by any thread.
class StreamKeeper {
 public:
  StreamKeeper(Api& api, Settings settings, bool may_create, Log log);

  /// Asks the server. timed_out: it did not answer, and nothing else has changed.
  Result<StreamInfo> look(Api::Deadline deadline);
  /// The stream takes no events, whatever was known before.
  void set_unready(const Status& reason) noexcept;
  Status status() const noexcept;

 private:
  Result<StreamInfo> find_or_create(Api::Deadline deadline);
  void set(Status status) noexcept;

  Api& api_;
  const Settings settings_;
  const bool may_create_;
  const Log log_;

  // The keeper's.
  std::uint64_t known_ = 0;  // incarnation of the stream that was looked at in full
  bool was_there_ = false;
  std::chrono::steady_clock::time_point make_from_{};

  mutable std::mutex mutex_;
  Status status_;  // guarded by mutex_
};

}  // namespace tracking::jetstream
