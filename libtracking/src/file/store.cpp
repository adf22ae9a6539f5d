#include "file/store.h"

#include <algorithm>
#include <cerrno>

#include "file/recovery.h"

namespace tracking::file_log {
namespace {

Status cannot_open(const std::string& directory, const std::string& what) {
  return {Code::broker_unavailable, "the log " + directory + " cannot be opened: " + what};
}

Status describe_lock_failure(const std::string& directory, const Io& io, const std::string& holder) {
  if (io.error == EWOULDBLOCK) {
    return cannot_open(directory, "it is in use by " + holder +
                                      "; a log has one writer: stop that one, or give this one a "
                                      "directory of its own");
  }
  return cannot_open(directory, io.message() + " (its lock file cannot be written)");
}

constexpr auto failures_said_every = std::chrono::minutes(1);

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const StoreSettings& settings, FileSystem& files, Clock& clock, Log log) {
  const std::string& directory = settings.directory;
  if (const Io io = files.make_directory(directory); !io) return cannot_open(directory, io.message());
  std::unique_ptr<DirectoryLock> lock;
  std::string holder;
  if (const Io io = files.lock(directory + "/lock", lock, holder); !io)
    return describe_lock_failure(directory, io, holder);
  auto recovered = recover(files, directory, clock.now(), log);
  if (!recovered) return recovered.error();

  std::unique_ptr<Store> store(new Store(settings, files, clock, std::move(log)));  // its constructor is private
  store->lock_ = std::move(lock);
  store->log_id_ = recovered->log_id;
  store->is_last_open_ = recovered->is_last_open;
  store->max_timestamp_us_ = recovered->max_timestamp_us;
  store->guessed_positions_ = std::move(recovered->guessed_positions);
  store->segments_ = std::move(recovered->segments);
  store->set_next_position(recovered->next_position);
  store->removed_until_us_ = recovered->removed_until_us;
  return store;
}

Status Store::failed_read(const std::string& what) const {
  bool is_said = false;
  {
    const std::lock_guard lock(mutex_);
    const Timestamp now = clock_.now();
    is_said = failure_said_ && now - *failure_said_ < failures_said_every;
    if (!is_said) failure_said_ = now;
  }
  if (!is_said) say(LogLevel::error, [&] { return "it cannot be read, and readers are told so: " + what; });
  return {Code::broker_unavailable, "the log cannot be read: " + what};
}

std::uint64_t Store::oldest_position() const {
  const std::lock_guard lock(mutex_);
  return segments_.empty() ? next_position() : std::min(segments_.front()->first_position(), next_position());
}

std::optional<Timestamp> Store::removed_until() const {
  const std::lock_guard lock(mutex_);
  if (removed_until_us_ == INT64_MIN) return std::nullopt;
  return Timestamp(std::chrono::microseconds(removed_until_us_));
}

bool Store::is_guessed(std::uint64_t position) const noexcept {
  return std::binary_search(guessed_positions_.begin(), guessed_positions_.end(), position);
}

std::uint64_t Store::bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& segment : segments_) sum += segment->extent().end_offset;
  return sum;
}

SegmentList Store::segments() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

std::shared_ptr<Segment> Store::segment_from(std::uint64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const auto& segment) { return segment->extent().next_position > position; });
  return found == segments_.end() ? nullptr : *found;
}

void Store::add(std::shared_ptr<Segment> segment) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
}

bool Store::is_expired(const Segment& segment) const {
  const Extent extent = segment.extent();
  if (settings_.retention.count() == 0) return false;
  return Timestamp(std::chrono::microseconds(extent.max_timestamp_us)) + settings_.retention < clock_.now();
}

std::size_t Store::enforce_retention() {
  SegmentList removed;
  {
    const std::lock_guard lock(mutex_);
    std::uint64_t bytes = 0;
    for (const auto& segment : segments_) bytes += segment->extent().end_offset;
    std::int64_t removed_until_us = removed_until_us_;
    std::size_t count = 0;
    for (; count + 1 < segments_.size(); ++count) {
      const Segment& segment = *segments_[count];
      const Extent extent = segment.extent();
      const bool is_too_much = settings_.bytes_max > 0 && bytes > settings_.bytes_max;
      if (!is_too_much && !is_expired(segment)) break;
      bytes -= extent.end_offset;
      removed_until_us = std::max(removed_until_us, extent.max_timestamp_us);
    }
    const auto end = segments_.begin() + static_cast<std::ptrdiff_t>(count);
    removed.assign(segments_.begin(), end);
    segments_.erase(segments_.begin(), end);
    removed_until_us_ = removed_until_us;
  }
  // Readers that are in one go on: the file stays until they close it.
  for (const auto& segment : removed) {
    if (const Io io = files_.remove(segment->path()); !io && io.error != ENOENT)
      say(LogLevel::error, [&] { return "removing " + segment->path() + ": " + io.message(); });
  }
  return removed.size();
}

}  // namespace tracking::file_log
