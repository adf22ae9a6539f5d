#include "file/store_reader.h"

#include <tracking/subscription.h>

#include <algorithm>
#include <cerrno>

namespace tracking::file_log {

StoreReader::Next StoreReader::next() {
  if (is_frame_waiting_) return take_frame();
  while (position_ < store_.next_position()) {
    if (!reader_) {
      if (const auto early = open_segment()) return *early;
    }
    switch (reader_->next()) {
      case FrameReader::Next::frame:
        frame_ = reader_->frame();
        if (frame_.next_position() <= position_) continue;  // on the way from where the index led us
        if (frame_.first_position() <= position_) return take_frame();
        is_frame_waiting_ = true;
        return skip_to(frame_.first_position(), gap_reason::corrupt);
      case FrameReader::Next::damage:
        continue;  // which events are missing shows at the next frame, or at the segment's end
      case FrameReader::Next::failed:
        return fail("reading", reader_->error());
      case FrameReader::Next::end: {
        const Extent extent = segment_->extent();
        if (reader_->offset() < extent.end_offset && reader_->extend(extent.end_offset)) continue;
        reader_.reset();
        // Events of the segment that were not found in it cannot be read any more.
        if (position_ < extent.next_position) return skip_to(extent.next_position, gap_reason::corrupt);
      }
    }
  }
  frame_ = {};
  return Next::end;
}

StoreReader::Next StoreReader::take_frame() {
  is_frame_waiting_ = false;
  position_ = frame_.next_position();
  return Next::frame;
}

std::optional<StoreReader::Next> StoreReader::open_segment() {
  for (;;) {
    segment_ = store_.segment_from(position_);
    if (!segment_) return skip_to(store_.next_position(), gap_reason::corrupt);
    if (segment_->first_position() > position_) {
      const bool is_expired = store_.oldest_position() > position_;
      return skip_to(segment_->first_position(), is_expired ? gap_reason::expired : gap_reason::corrupt);
    }
    std::shared_ptr<File> file;
    const Io io = segment_->open(file);
    if (io) return read_from(std::move(file));
    if (io.error != ENOENT) return fail("opening", io);
    // Either retention took it since we looked, or somebody removed it under us.
    if (store_.segment_from(position_) == segment_)
      return skip_to(segment_->extent().next_position, gap_reason::corrupt);
  }
}

std::optional<StoreReader::Next> StoreReader::read_from(std::shared_ptr<File> file) {
  SegmentIndex index;
  if (const Io io = segment_->index(file, store_.log_id(), index); !io) return fail("reading", io);
  reader_.emplace(std::move(file),
                  FrameReader::Range{.log_id = store_.log_id(),
                                     .offset = index.offset_before(position_).value_or(sizeof(SegmentHeader)),
                                     .end = segment_->extent().end_offset,
                                     .position = segment_->first_position()},
                  FrameReader::OnReadError::skip);
  return std::nullopt;
}

StoreReader::Next StoreReader::fail(const char* what, const Io& io) {
  message_ = segment_->describe(what, io);
  return Next::failed;
}

StoreReader::Next StoreReader::skip_to(std::uint64_t position, std::string_view reason) {
  hole_ = {.begin = position_, .end = position, .reason = reason, .is_counted = !store_.is_guessed(position)};
  position_ = position;
  return Next::hole;
}

namespace {

/// What a segment has of a time: the first record that is not older, and whether what cannot be read may have been.
struct FoundTime {
  std::optional<std::uint64_t> position = std::nullopt;
  bool is_after_damage = false;
};

Result<FoundTime> find_in_segment(const Store& store, const Segment& segment, Timestamp time) {
  std::shared_ptr<File> file;
  if (const Io io = segment.open(file); !io) {
    if (io.error != ENOENT) return store.failed_read(segment.describe("opening", io));
    // What retention has taken since we looked is told by Store::removed_until().
    return FoundTime{.is_after_damage = store.segment_from(segment.first_position()).get() == &segment};
  }
  SegmentIndex index;
  if (const Io io = segment.index(file, store.log_id(), index); !io)
    return store.failed_read(segment.describe("reading", io));
  const Extent extent = segment.extent();
  // If no entry reaches it, what is missing behind the last one may.
  FrameReader::Range range{.log_id = store.log_id(),
                           .offset = index.entries().empty() ? sizeof(SegmentHeader) : index.entries().back().offset,
                           .end = extent.end_offset,
                           .position = segment.first_position()};
  if (const auto entry = index.first_reaching(time)) range.offset = entry->offset;
  FrameReader reader(file, range, FrameReader::OnReadError::skip);
  FoundTime found;
  for (;;) {
    switch (reader.next()) {
      case FrameReader::Next::frame: {
        const FrameView& frame = reader.frame();
        for (std::uint64_t position = frame.first_position(); position < frame.next_position(); ++position) {
          if (frame.record(position).timestamp() < time) continue;
          found.position = position;
          return found;
        }
        break;
      }
      case FrameReader::Next::damage:
        found.is_after_damage = true;
        break;
      case FrameReader::Next::end:
        found.is_after_damage = found.is_after_damage || reader.position() < extent.next_position;
        return found;
      case FrameReader::Next::failed:
        return store.failed_read(segment.describe("reading", reader.error()));
    }
  }
}

}  // namespace

Result<TimeStart> first_not_before(const Store& store, Timestamp time) {
  // Before the segments: an event that comes meanwhile is not passed over.
  TimeStart start{.position = store.next_position()};
  for (const auto& segment : store.segments()) {
    const Extent extent = segment->extent();
    if (extent.next_position == segment->first_position()) continue;
    if (extent.max_timestamp_us < time.time_since_epoch().count()) continue;
    auto found = find_in_segment(store, *segment, time);
    if (!found) return found.error();
    start.is_after_damage = start.is_after_damage || found->is_after_damage;
    if (!found->position) continue;
    start.position = *found->position;
    break;
  }
  return start;
}

}  // namespace tracking::file_log
