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
      case FrameReader::Next::end:
      case FrameReader::Next::failed: {
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
  segment_ = store_.segment_from(position_);
  if (!segment_) return skip_to(store_.next_position(), gap_reason::corrupt);
  if (segment_->first_position() > position_) {
    const bool is_expired = store_.oldest_position() > position_;
    return skip_to(segment_->first_position(), is_expired ? gap_reason::expired : gap_reason::corrupt);
  }
  std::shared_ptr<File> file;
  if (const Io io = segment_->open(file); !io) {
    if (io.error == ENOENT && store_.segment_from(position_) == segment_) {
      // Somebody removed it under us.
      return skip_to(segment_->extent().next_position, gap_reason::corrupt);
    }
    message_ = "opening " + segment_->path() + ": " + io.message();
    return Next::failed;
  }
  const auto offset = segment_->index(file, store_.log_id()).offset_before(position_);
  reader_.emplace(file,
                  FrameReader::Range{.log_id = store_.log_id(),
                                     .offset = offset.value_or(sizeof(SegmentHeader)),
                                     .end = segment_->extent().end_offset,
                                     .position = segment_->first_position()},
                  FrameReader::OnReadError::skip);
  return std::nullopt;
}

StoreReader::Next StoreReader::skip_to(std::uint64_t position, std::string_view reason) {
  hole_ = {.begin = position_, .end = position, .reason = reason, .is_counted = !store_.is_guessed(position)};
  position_ = position;
  return Next::hole;
}

namespace {

// The first record that is not older, from an index entry on; nothing if the rest of the segment is older.
std::optional<std::uint64_t> find_in_segment(const Store& store, const Segment& segment, Timestamp time) {
  std::shared_ptr<File> file;
  if (!segment.open(file)) return std::nullopt;
  const auto entry = segment.index(file, store.log_id()).first_reaching(time);
  if (!entry) return std::nullopt;
  FrameReader reader(file,
                     {.log_id = store.log_id(),
                      .offset = entry->offset,
                      .end = segment.extent().end_offset,
                      .position = segment.first_position()},
                     FrameReader::OnReadError::skip);
  for (;;) {
    const auto next = reader.next();
    if (next == FrameReader::Next::damage) continue;
    if (next != FrameReader::Next::frame) return std::nullopt;
    const FrameView& frame = reader.frame();
    for (std::uint64_t position = frame.first_position(); position < frame.next_position(); ++position) {
      if (frame.record(position).timestamp() >= time) return position;
    }
  }
}

}  // namespace

std::uint64_t first_not_before(const Store& store, Timestamp time) {
  for (const auto& segment : store.segments()) {
    const Extent extent = segment->extent();
    if (extent.next_position == segment->first_position()) continue;
    if (extent.max_timestamp_us < time.time_since_epoch().count()) continue;
    if (const auto position = find_in_segment(store, *segment, time)) return *position;
  }
  return store.next_position();
}

}  // namespace tracking::file_log
