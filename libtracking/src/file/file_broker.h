// `file:DIR`: the durable log as a broker.
#pragma once

#include <tracking/backends.h>

#include "file/group_commit.h"
#include "file/scan_threads.h"
#include "file/store.h"

namespace tracking::file_log {

/// The least that max_size may be.
inline constexpr std::uint64_t bytes_max_least = 1 << 20;

inline constexpr BrokerTraits broker_traits{
    .gives_sent = true, .gives_stored = true, .has_history = true, .line_bytes_max = GroupCommit::line_bytes_max};

struct BrokerSettings {
  StoreSettings store;
  CommitSettings commit;
  ScanThreads::Settings scans;
  /// Of the lines of the newest events, from which live subscribers are served.
  std::size_t live_bytes_max = 32 << 20;

  /// Makes segments so small, and looks after them so often, that retention works in steps of about a sixteenth.
  void adapt();
};

/// `files` and `clock` outlive the broker.
Result<std::unique_ptr<Broker>> open_file_broker(const BrokerSettings& settings, FileSystem& files, Clock& clock,
                                                 const Log& log);

}  // namespace tracking::file_log
