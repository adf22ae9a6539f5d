// How the log lies on the disk. docs/DURABLE_LOG.md draws it.
//
//   DIR/lock
//   DIR/00000000000000000001.log   a segment: its first position in its name
//     SegmentHeader | frame | frame | ... | (when it is full or the log was closed: index entries, SegmentTrailer)
//   frame = FrameHeader | Record of each event | the events' lines, one after the other | zeros up to a multiple of 8
//
// Numbers are little-endian. What no frame was written to is zeros or not there. Text of an event has no control
// characters, so it never looks like a frame.
#pragma once

#include <tracking/event.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tracking::file_log {

static_assert(std::endian::native == std::endian::little, "structures are written as they lie in memory");

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::uint64_t frame_alignment = 8;

constexpr std::uint64_t aligned(std::uint64_t offset) noexcept {
  return (offset + frame_alignment - 1) / frame_alignment * frame_alignment;
}

/// Magic, version and crc keep their places in every version to come, so that each version can tell the others.
struct SegmentHeader {
  static constexpr std::uint64_t magic_value = 0x9a010a0d4b415254;  // "TRAK", CR, LF, and two bytes that are no text

  std::uint64_t magic = magic_value;
  std::uint32_t version = format_version;
  std::uint32_t crc = 0;  ///< of the header with this field 0
  std::uint64_t log_id = 0;
  std::uint64_t first_position = 0;
  std::int64_t created_us = 0;
  std::int64_t older_until_us = 0;  ///< the latest timestamp of all events before this segment, or 0
  /// 1: what lies before could not be read, and how many events it was is not known: this position is beyond them all.
  std::uint64_t is_first_position_guessed = 0;
  std::uint64_t unused = 0;
};

struct FrameHeader {
  static constexpr std::uint32_t magic_value = 0x4d52f681;  // "MR" after two bytes that are no text

  std::uint32_t magic = magic_value;
  std::uint32_t header_crc = 0;  ///< of the header with this field 0
  std::uint32_t payload_crc = 0;
  std::uint32_t payload_bytes = 0;  ///< records and text
  std::uint32_t count = 0;          ///< of events, at least 1
  std::uint32_t unused = 0;
  std::uint64_t log_id = 0;
  std::uint64_t first_position = 0;
  /// Before this offset of the segment all was on stable storage when the frame was written: what is damaged there is
  /// no torn write.
  std::uint64_t synced_offset = 0;
  std::int64_t min_timestamp_us = 0;
  std::int64_t max_timestamp_us = 0;

  std::uint64_t next_position() const noexcept { return first_position + count; }
  /// From this frame to the next.
  std::uint64_t stride() const noexcept { return aligned(sizeof(FrameHeader) + payload_bytes); }
};

struct Record {
  AccountId account_id = 0;
  std::int64_t timestamp_us = 0;
  std::uint32_t text_end = 0;  ///< where its line ends in the frame's text
  std::uint32_t unused = 0;

  Timestamp timestamp() const noexcept { return Timestamp(std::chrono::microseconds(timestamp_us)); }
};

/// About every index_stride bytes: the frame that begins there.
struct IndexEntry {
  std::uint64_t position = 0;
  std::uint64_t offset = 0;
  std::int64_t max_timestamp_us = 0;  ///< of all events from here to the next entry
};
inline constexpr std::uint64_t index_stride = 64 << 10;

/// The last bytes of a segment that is complete.
struct SegmentTrailer {
  static constexpr std::uint64_t magic_value = 0x9b010a0d4b415254;

  std::uint64_t magic = magic_value;
  std::uint32_t version = format_version;
  std::uint32_t crc = 0;  ///< of the trailer with this field 0
  std::uint32_t index_crc = 0;
  std::uint32_t index_count = 0;
  std::uint64_t log_id = 0;
  std::uint64_t first_position = 0;
  std::uint64_t next_position = 0;
  std::uint64_t end_offset = 0;  ///< of the frames; the index stands there
  std::int64_t max_timestamp_us = 0;
};

static_assert(sizeof(SegmentHeader) == 64 && sizeof(FrameHeader) == 64 && sizeof(SegmentTrailer) == 64);
static_assert(sizeof(Record) == 24 && sizeof(IndexEntry) == 24);

/// The bytes of a structure or of an array of them.
template <class T>
std::string_view bytes_of(const T& value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

void seal(SegmentHeader& header) noexcept;
void seal(FrameHeader& header) noexcept;
void seal(SegmentTrailer& trailer) noexcept;

/// Whether it is a whole header of ours, of whatever version.
bool is_intact(const SegmentHeader& header) noexcept;
bool is_intact(const FrameHeader& header) noexcept;
bool is_intact(const SegmentTrailer& trailer) noexcept;

/// What a frame's payload may take: a line of the largest size fits, and a reader can hold it.
inline constexpr std::uint32_t payload_bytes_max = 4 << 20;

/// No group of frames that is one write is larger, so neither is what a crash can have torn.
inline constexpr std::uint64_t write_bytes_max = 32 << 20;

/// "00000000000000000001.log"
std::string segment_name(std::uint64_t first_position);
std::optional<std::uint64_t> position_of_segment_name(std::string_view name) noexcept;

}  // namespace tracking::file_log
