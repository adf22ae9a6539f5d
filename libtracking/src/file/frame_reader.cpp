#include "file/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "file/crc32c.h"

namespace tracking::file_log {
namespace {

template <class T>
T load_as(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The checksum is right, but a file may have been made by anyone.
bool are_records_sound(const FrameHeader& header, const char* payload) noexcept {
  const std::uint32_t text_bytes = header.payload_bytes - header.count * static_cast<std::uint32_t>(sizeof(Record));
  std::uint32_t end = 0;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const auto record = load_as<Record>(payload + i * sizeof(Record));
    if (record.text_end < end || record.text_end > text_bytes || record.account_id <= 0) return false;
    end = record.text_end;
  }
  return end == text_bytes;
}

bool is_zero(const char* at, std::size_t size) noexcept {
  return size == 0 || (*at == 0 && std::memcmp(at, at + 1, size - 1) == 0);
}

}  // namespace

FrameView::FrameView(const char* frame, std::shared_ptr<const char[]> buffer) noexcept
    : header_(load_as<FrameHeader>(frame)),
      records_(reinterpret_cast<const Record*>(frame + sizeof(FrameHeader))),  // frames are aligned, and so are buffers
      text_(frame + sizeof(FrameHeader) + header_.count * sizeof(Record)),
      buffer_(std::move(buffer)) {}

FrameReader::FrameReader(std::shared_ptr<File> file, const Range& range, OnReadError on_error)
    : file_(std::move(file)), on_error_(on_error), range_(range) {
  // An index on the disk may have been made by anyone, too.
  range_.offset = std::min(range.offset, range.end) / frame_alignment * frame_alignment;
}

FrameReader::Next FrameReader::next() {
  error_ = {};
  frame_ = {};
  if (range_.offset + sizeof(FrameHeader) > range_.end) {
    // Fewer bytes than a frame has: nothing, or the rest of one.
    const auto left = static_cast<std::size_t>(range_.end - std::min(range_.end, range_.offset));
    const char* const rest = left > 0 ? load(range_.offset, left) : nullptr;
    if (!error_) return Next::failed;
    if (!rest || is_zero(rest, left)) return Next::end;
    return end_of_damage(range_.end, 0);
  }
  FrameHeader header;
  const char* const at = header_at(range_.offset, header);
  if (!error_) return Next::failed;
  if (!at) return pass_over_damage();
  const std::uint64_t next_offset = range_.offset + header.stride();
  if (!is_whole(header, range_.offset)) {
    if (!error_) return Next::failed;
    // The header is sound, so it is known how far to go on, and how many events are missing.
    return next_offset <= range_.end ? end_of_damage(next_offset, header.next_position()) : pass_over_damage();
  }
  frame_ = FrameView(buffer_.get() + (range_.offset - loaded_offset_), buffer_);
  range_.log_id = header.log_id;
  range_.offset = next_offset;
  range_.position = header.next_position();
  return Next::frame;
}

const char* FrameReader::header_at(std::uint64_t offset, FrameHeader& header) {
  const char* const at = load(offset, sizeof header);
  if (!at || load_as<std::uint32_t>(at) != FrameHeader::magic_value) return nullptr;
  header = load_as<FrameHeader>(at);
  if (!is_intact(header)) return nullptr;
  if (range_.log_id != 0 && header.log_id != range_.log_id) return nullptr;
  return header.first_position >= range_.position ? at : nullptr;
}

bool FrameReader::is_whole(const FrameHeader& header, std::uint64_t offset) {
  const std::size_t size = sizeof header + header.payload_bytes;
  if (offset + size > range_.end) return false;
  const char* const at = load(offset, size);
  if (!at) return false;
  const char* const payload = at + sizeof header;
  return crc32c({payload, header.payload_bytes}) == header.payload_crc && are_records_sound(header, payload);
}

// Looks for the next place where a frame begins. Zeros up to the end are no damage: nothing was written there yet.
FrameReader::Next FrameReader::pass_over_damage() {
  bool is_all_zero = true;
  for (std::uint64_t offset = range_.offset; offset + frame_alignment <= range_.end; offset += frame_alignment) {
    const char* const at = load(offset, frame_alignment);
    if (!at) return error_ ? Next::end : Next::failed;
    is_all_zero = is_all_zero && load_as<std::uint64_t>(at) == 0;
    if (offset == range_.offset || load_as<std::uint32_t>(at) != FrameHeader::magic_value) continue;
    FrameHeader header;
    if (header_at(offset, header)) return end_of_damage(offset, header.first_position);
    if (!error_) return Next::failed;
  }
  if (is_all_zero) return Next::end;
  return end_of_damage(range_.end, 0);
}

FrameReader::Next FrameReader::end_of_damage(std::uint64_t end_offset, std::uint64_t end_position) {
  damage_ = {.begin_offset = range_.offset,
             .end_offset = end_offset,
             .begin_position = range_.position,
             .end_position = end_position};
  range_.offset = end_offset;
  range_.position = std::max(range_.position, end_position);
  return Next::damage;
}

const char* FrameReader::load(std::uint64_t offset, std::size_t size) {
  if (offset + size > range_.end) return nullptr;
  if (offset >= loaded_offset_ && offset + size <= loaded_offset_ + loaded_size_)
    return buffer_.get() + (offset - loaded_offset_);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, buffer_bytes), range_.end - offset));
  // A buffer that a delivery still refers to is left to it.
  if (buffer_.use_count() != 1 || buffer_capacity_ < wanted) {
    buffer_capacity_ = std::max(wanted, buffer_bytes);
    buffer_.reset(new char[buffer_capacity_]);  // not initialised: it is read into
  }
  loaded_size_ = 0;
  loaded_offset_ = offset;
  const Io io = on_error_ == OnReadError::skip ? read_what_can_be_read(offset, buffer_.get(), wanted)
                                               : file_->read(offset, buffer_.get(), wanted);
  if (!io) {
    error_ = io;
    return nullptr;
  }
  loaded_size_ = static_cast<std::size_t>(io.bytes);
  return loaded_size_ >= size ? buffer_.get() : nullptr;
}

// What the medium does not give back reads as zeros, which no checksum takes for a frame.
Io FrameReader::read_what_can_be_read(std::uint64_t offset, char* into, std::size_t size) {
  const Io io = file_->read(offset, into, size);
  if (!io.is_damage()) return io;
  constexpr std::size_t page_bytes = 4 << 10;
  for (std::size_t done = 0; done < size; done += page_bytes) {
    const std::size_t count = std::min(page_bytes, size - done);
    const Io page = file_->read(offset + done, into + done, count);
    if (!page && !page.is_damage()) return page;
    const std::size_t given = page ? static_cast<std::size_t>(page.bytes) : 0;
    std::memset(into + done + given, 0, count - given);
  }
  return {.bytes = size};
}

}  // namespace tracking::file_log
