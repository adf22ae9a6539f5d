// The log as its readers see it: which segments there are, and how far they go.
#pragma once

#include <tracking/backends.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "codec/no_memory.h"
#include "file/segment.h"

namespace tracking::file_log {

struct StoreSettings {
  std::string directory;
  /// A segment takes no more frames beyond it.
  std::uint64_t segment_bytes = 64u << 20;
  /// Of all segments; the oldest go when there is more. 0 = no limit.
  std::uint64_t bytes_max = std::uint64_t{10} << 30;
  /// Events older than that go, a segment at a time. 0 = no limit.
  std::chrono::microseconds retention = std::chrono::hours(7 * 24);
};

using SegmentList = std::vector<std::shared_ptr<Segment>>;

/// Thread-safe, except where it says so.
class Store {
 public:
  /// Locks the directory and recovers what is in it. See recover() for what can be wrong.
  static Result<std::unique_ptr<Store>> open(const StoreSettings& settings, FileSystem& files, Clock& clock, Log log);

  std::uint64_t log_id() const noexcept { return log_id_; }
  const StoreSettings& settings() const noexcept { return settings_; }
  FileSystem& files() const noexcept { return files_; }
  Clock& clock() const noexcept { return clock_; }
  /// Says what `text` makes; nothing if there is no memory for it.
  template <class Text>
  void say(LogLevel level, Text text) const noexcept {
    if (log_) has_memory_for([&] { log_(level, "log " + settings_.directory + ": " + text()); });
  }

  /// What who reads is told when a read has failed. The log says it, too: once a minute, however many readers there
  /// are.
  Status failed_read(const std::string& what) const;

  /// Of the event to come: all before it that can be read are on stable storage.
  std::uint64_t next_position() const noexcept { return next_position_.load(std::memory_order_acquire); }
  /// The first that retention has left; next_position() if there is none.
  std::uint64_t oldest_position() const;
  /// The latest timestamp of all events that retention has removed; nothing if it removed none.
  std::optional<Timestamp> removed_until() const;
  std::uint64_t bytes() const noexcept;
  /// Whether events before the position were lost without anyone knowing how many.
  bool is_guessed(std::uint64_t position) const noexcept;

  /// Oldest first; consecutive, except for what was damaged.
  SegmentList segments() const;
  /// The segment that holds the position, or, if none does, the one after it; nullptr if there is none either.
  std::shared_ptr<Segment> segment_from(std::uint64_t position) const;

  /// Removes segments that are too old or too many; never the newest. Returns how many. One thread at a time. If it
  /// throws, none were.
  std::size_t enforce_retention();

 private:
  friend class StoreWriter;

  Store(const StoreSettings& settings, FileSystem& files, Clock& clock, Log log)
      : settings_(settings), files_(files), clock_(clock), log_(std::move(log)) {}

  bool is_expired(const Segment& segment) const;  // mutex_ held
  void add(std::shared_ptr<Segment> segment);
  void set_next_position(std::uint64_t position) noexcept { next_position_.store(position, std::memory_order_release); }

  const StoreSettings settings_;
  FileSystem& files_;
  Clock& clock_;
  const Log log_;
  std::unique_ptr<DirectoryLock> lock_;
  std::uint64_t log_id_ = 0;  // constant once it is open
  std::atomic<std::uint64_t> next_position_{1};
  bool is_last_open_ = false;                     // what recovery found, for the writer
  std::int64_t max_timestamp_us_ = 0;             // likewise
  std::vector<std::uint64_t> guessed_positions_;  // constant once it is open; ascending

  mutable std::mutex mutex_;
  SegmentList segments_;                           // guarded by mutex_
  std::int64_t removed_until_us_;                  // guarded by mutex_; INT64_MIN = none was removed
  mutable std::optional<Timestamp> failure_said_;  // guarded by mutex_; when a failed read was
};

}  // namespace tracking::file_log
