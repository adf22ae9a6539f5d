// Whether the server lets us publish.
#pragma once

#include "nats/link.h"
#include "nats/options.h"

#include <tracking/backends.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace tracking::nats_io {

/// Notices that the server refuses a message of ours, and asks every five seconds whether it still would: by something
/// harmless on the same subject, since no event is to serve as the probe. The log gets a line for each change.
class PublishPermission {
 public:
  enum class Change : std::uint8_t { none, refused, granted };
  using Probe = std::function<void(Link& link, const char* subject)>;

  PublishPermission(const Options& options, Log log, Probe probe);

  // Any thread.
  /// Ok, or what the server does not permit.
  Status status() const noexcept;

  // The connection's keeper.
  void connected() noexcept;
  bool is_refused() const { return refused_subject_.has_value(); }
  /// A failure is that of the link. Without memory it is `none`, and done again.
  Result<Change> tick(Link& link) noexcept;

 private:
  bool refuse(const std::string& refusal);
  Result<Change> probe(Link& link);
  void set(Status status) noexcept;

  const Options options_;
  const Log log_;
  const Probe probe_;

  // The keeper's.
  std::optional<std::string> refused_subject_;
  std::chrono::steady_clock::time_point next_probe_{};

  mutable std::mutex mutex_;
  Status status_;  // guarded by mutex_
};

}  // namespace tracking::nats_io
