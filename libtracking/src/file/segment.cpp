#include "file/segment.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "file/crc32c.h"
#include "file/frame_reader.h"

namespace tracking::file_log {

void SegmentIndex::add(const FrameHeader& frame, std::uint64_t offset) {
  if (entries_.empty() || offset >= entries_.back().offset + index_stride) {
    entries_.push_back(
        {.position = frame.first_position, .offset = offset, .max_timestamp_us = frame.max_timestamp_us});
  } else {
    entries_.back().max_timestamp_us = std::max(entries_.back().max_timestamp_us, frame.max_timestamp_us);
  }
}

void SegmentIndex::make_room(std::size_t frames) {
  const std::size_t wanted = entries_.size() + frames;
  if (wanted > entries_.capacity()) entries_.reserve(std::max(wanted, 2 * entries_.size()));
}

void SegmentIndex::cut(std::uint64_t offset) {
  while (!entries_.empty() && entries_.back().offset >= offset) entries_.pop_back();
}

void SegmentIndex::note_damage(std::uint64_t offset, std::uint64_t first_position) {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](std::uint64_t wanted, const IndexEntry& entry) { return wanted < entry.offset; });
  if (after == entries_.begin()) {
    entries_.insert(after,
                    {.position = first_position, .offset = sizeof(SegmentHeader), .max_timestamp_us = INT64_MAX});
  } else {
    std::prev(after)->max_timestamp_us = INT64_MAX;
  }
}

std::optional<std::uint64_t> SegmentIndex::offset_before(std::uint64_t position) const noexcept {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), position,
                       [](std::uint64_t wanted, const IndexEntry& entry) { return wanted < entry.position; });
  if (after == entries_.begin()) return std::nullopt;
  return std::prev(after)->offset;
}

std::optional<IndexEntry> SegmentIndex::first_reaching(Timestamp time) const noexcept {
  const std::int64_t wanted_us = time.time_since_epoch().count();
  // Timestamps of several producers interleave, so entries are not sorted by them.
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const IndexEntry& entry) { return entry.max_timestamp_us >= wanted_us; });
  return found == entries_.end() ? std::nullopt : std::optional(*found);
}

Segment::Segment(FileSystem& files, std::string path, std::uint64_t first_position)
    : files_(files), path_(std::move(path)), first_position_(first_position) {
  extent_.next_position = first_position;
}

Extent Segment::extent() const {
  const std::lock_guard lock(mutex_);
  return extent_;
}

void Segment::set_extent(const Extent& extent) {
  const std::lock_guard lock(mutex_);
  extent_ = extent;
}

void Segment::make_room(std::size_t frames) {
  const std::lock_guard lock(mutex_);
  index_.make_room(frames);
}

void Segment::add(const FrameHeader& frame, std::uint64_t offset) noexcept {
  const std::lock_guard lock(mutex_);
  index_.add(frame, offset);
  extent_.end_offset = offset + frame.stride();
  extent_.next_position = frame.next_position();
  extent_.max_timestamp_us = std::max(extent_.max_timestamp_us, frame.max_timestamp_us);
}

SegmentIndex Segment::index_in_memory() const {
  const std::lock_guard lock(mutex_);
  return index_;
}

void Segment::set_index_in_memory(SegmentIndex index) {
  const std::lock_guard lock(mutex_);
  index_ = std::move(index);
}

void Segment::complete(std::uint64_t end_offset) {
  const std::lock_guard lock(mutex_);
  extent_.end_offset = end_offset;
  extent_.is_complete = true;
  index_ = {};
}

std::string Segment::describe(const char* what, const Io& io) const {
  return std::string(what) + " " + path_ + ": " + io.message();
}

Io Segment::open(std::shared_ptr<File>& file) const {
  std::unique_ptr<File> opened;
  const Io io = files_.open(path_, OpenMode::read, opened);
  if (io.error == ENOMEM) throw std::bad_alloc();  // it says nothing of the file
  file = std::move(opened);
  return io;
}

Io Segment::index(const std::shared_ptr<File>& file, std::uint64_t log_id, SegmentIndex& index) const {
  Extent extent;
  {
    const std::lock_guard lock(mutex_);
    if (!extent_.is_complete && !index_.entries().empty()) {
      index = index_;
      return {};
    }
    extent = extent_;
  }
  const Io size = file->size();
  if (!size) return size;
  std::optional<SegmentTrailer> trailer;
  if (const Io io = read_trailer(*file, size.bytes, first_position_, trailer); !io) return io;
  if (trailer && trailer->log_id == log_id) {
    std::optional<SegmentIndex> stored;
    if (const Io io = read_index(*file, *trailer, stored); !io) return io;
    if (stored) {
      index = std::move(*stored);
      return {};
    }
  }
  return rebuild_index(file, log_id, extent, index);
}

Io Segment::rebuild_index(const std::shared_ptr<File>& file, std::uint64_t log_id, const Extent& extent,
                          SegmentIndex& index) const {
  SegmentIndex rebuilt;
  FrameReader reader(
      file, {.log_id = log_id, .offset = sizeof(SegmentHeader), .end = extent.end_offset, .position = first_position_},
      FrameReader::OnReadError::skip);
  for (;;) {
    const std::uint64_t offset = reader.offset();
    switch (reader.next()) {
      case FrameReader::Next::frame:
        rebuilt.add(reader.frame().header(), offset);
        break;
      case FrameReader::Next::damage:
        rebuilt.note_damage(offset, first_position_);
        break;
      case FrameReader::Next::end:
        index = std::move(rebuilt);
        return {};
      case FrameReader::Next::failed:
        return reader.error();
    }
  }
}

Io read_trailer(File& file, std::uint64_t file_size, std::uint64_t first_position,
                std::optional<SegmentTrailer>& trailer) {
  trailer.reset();
  SegmentTrailer found;
  if (file_size < sizeof(SegmentHeader) + sizeof found) return {};
  char bytes[sizeof found];
  const Io io = file.read(file_size - sizeof found, bytes, sizeof bytes);
  if (!io && !io.is_damage()) return io;
  if (!io || io.bytes != sizeof bytes) return {};
  std::memcpy(&found, bytes, sizeof found);
  if (!is_intact(found) || found.first_position != first_position) return {};
  const std::uint64_t index_bytes = std::uint64_t{found.index_count} * sizeof(IndexEntry);
  const bool fits = found.end_offset >= sizeof(SegmentHeader) && found.end_offset <= file_size &&
                    found.end_offset + index_bytes + sizeof found == file_size && found.next_position >= first_position;
  if (fits) trailer = found;
  return {};
}

Io read_index(File& file, const SegmentTrailer& trailer, std::optional<SegmentIndex>& index) {
  index.reset();
  std::vector<IndexEntry> entries(trailer.index_count);
  const std::size_t bytes = entries.size() * sizeof(IndexEntry);
  char* const into = reinterpret_cast<char*>(entries.data());
  const Io io = file.read(trailer.end_offset, into, bytes);
  if (!io && !io.is_damage()) return io;
  if (!io || io.bytes != bytes || crc32c({into, bytes}) != trailer.index_crc) return {};
  index.emplace().assign(std::move(entries));
  return {};
}

Io complete_segment(File& file, Segment& segment, std::uint64_t log_id) {
  const Extent extent = segment.extent();
  const SegmentIndex index = segment.index_in_memory();
  const std::string_view entries(reinterpret_cast<const char*>(index.entries().data()),
                                 index.entries().size() * sizeof(IndexEntry));
  SegmentTrailer trailer{.index_crc = crc32c(entries),
                         .index_count = static_cast<std::uint32_t>(index.entries().size()),
                         .log_id = log_id,
                         .first_position = segment.first_position(),
                         .next_position = extent.next_position,
                         .end_offset = extent.end_offset,
                         .max_timestamp_us = extent.max_timestamp_us};
  seal(trailer);
  const std::string_view pieces[] = {entries, bytes_of(trailer)};
  if (const Io io = file.write(extent.end_offset, pieces); !io) return io;
  if (const Io io = file.resize(extent.end_offset + entries.size() + sizeof trailer); !io) return io;
  if (const Io io = file.sync(); !io) return io;
  segment.complete(extent.end_offset);
  return {};
}

}  // namespace tracking::file_log
