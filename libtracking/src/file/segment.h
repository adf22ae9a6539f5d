// A segment of the log, as readers and the writer share it.
#pragma once

#include <tracking/status.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "file/file_system.h"
#include "file/format.h"

namespace tracking::file_log {

/// Where frames of a segment are, sparsely.
class SegmentIndex {
 public:
  void add(const FrameHeader& frame, std::uint64_t offset);
  /// So many frames can be added without memory.
  void make_room(std::size_t frames);
  /// Forgets what begins at `offset` or behind.
  void cut(std::uint64_t offset);
  /// Frames at `offset` cannot be read: they may be of any time. `first_position` is the segment's.
  void note_damage(std::uint64_t offset, std::uint64_t first_position);

  /// The offset of a frame at or before the one with the position; nothing if there is no entry.
  std::optional<std::uint64_t> offset_before(std::uint64_t position) const noexcept;
  /// The first entry whose events, or those behind, reach the time; nothing if all are older.
  std::optional<IndexEntry> first_reaching(Timestamp time) const noexcept;

  const std::vector<IndexEntry>& entries() const noexcept { return entries_; }
  void assign(std::vector<IndexEntry> entries) { entries_ = std::move(entries); }

 private:
  std::vector<IndexEntry> entries_;
};

/// How far a segment goes.
struct Extent {
  std::uint64_t end_offset = sizeof(SegmentHeader);  ///< of its synced frames
  std::uint64_t next_position = 0;
  std::int64_t max_timestamp_us = 0;  ///< of its events, or later
  bool is_complete = false;           ///< nothing will be added; its index is on the disk
};

/// Thread-safe. Its file is unlinked by retention while readers go on reading it.
class Segment {
 public:
  Segment(FileSystem& files, std::string path, std::uint64_t first_position);

  const std::string& path() const noexcept { return path_; }
  std::uint64_t first_position() const noexcept { return first_position_; }

  Extent extent() const;
  void set_extent(const Extent& extent);
  /// The writer: so many frames are to be written.
  void make_room(std::size_t frames);
  /// The writer: a frame was synced, for which room was made.
  void add(const FrameHeader& frame, std::uint64_t offset) noexcept;
  /// The writer: the index so far.
  SegmentIndex index_in_memory() const;
  void set_index_in_memory(SegmentIndex index);
  /// The writer: it is complete, and its index on the disk.
  void complete(std::uint64_t end_offset);

  /// "reading /log/00000000000000000001.log: Input/output error"
  std::string describe(const char* what, const Io& io) const;

  /// Opens the file for reading. Throws std::bad_alloc.
  Io open(std::shared_ptr<File>& file) const;
  /// The index: from memory, from the end of the file, or, if that is damaged, by reading all of it. An error: a read
  /// failed.
  Io index(const std::shared_ptr<File>& file, std::uint64_t log_id, SegmentIndex& index) const;

 private:
  Io rebuild_index(const std::shared_ptr<File>& file, std::uint64_t log_id, const Extent& extent,
                   SegmentIndex& index) const;

  FileSystem& files_;
  const std::string path_;
  const std::uint64_t first_position_;

  mutable std::mutex mutex_;
  Extent extent_;       // guarded by mutex_
  SegmentIndex index_;  // guarded by mutex_; empty once the segment is complete
};

/// What the last bytes of a file say, if they are a whole trailer of this segment. An error: a read failed.
Io read_trailer(File& file, std::uint64_t file_size, std::uint64_t first_position,
                std::optional<SegmentTrailer>& trailer);
/// The index before the trailer; nothing if it is damaged. An error: a read failed.
Io read_index(File& file, const SegmentTrailer& trailer, std::optional<SegmentIndex>& index);

/// Writes index and trailer behind the frames, and syncs. The segment is complete if it returns well.
Io complete_segment(File& file, Segment& segment, std::uint64_t log_id);

}  // namespace tracking::file_log
