// Collects lines into the bytes of one frame.
#pragma once

#include <tracking/broker.h>

#include <array>
#include <string_view>
#include <vector>

#include "file/format.h"

namespace tracking::file_log {

/// One thread at a time. Keeps its memory when it is cleared.
class FrameBuilder {
 public:
  /// Beyond so much a frame takes no more lines: readers verify frames as a whole, and hold them while they deliver.
  static constexpr std::size_t full_bytes = 128 << 10;

  bool has_room_for(const Line& line) const noexcept {
    return records_.empty() || payload_bytes() + sizeof(Record) + line.json.size() <= full_bytes;
  }
  /// If it throws, nothing was added.
  void add(const Line& line);
  void clear() noexcept;

  /// How full it is.
  struct Mark {
    FrameHeader header;
    std::size_t records = 0;
    std::size_t text_bytes = 0;
  };
  Mark mark() const noexcept { return {header_, records_.size(), text_.size()}; }
  /// Takes out what was added since.
  void cut(const Mark& mark) noexcept;

  bool empty() const noexcept { return records_.empty(); }
  std::size_t count() const noexcept { return records_.size(); }
  std::size_t payload_bytes() const noexcept { return records_.size() * sizeof(Record) + text_.size(); }
  std::int64_t max_timestamp_us() const noexcept { return header_.max_timestamp_us; }
  const FrameHeader& header() const noexcept { return header_; }

  /// Gives the frame its place in the log. Precondition: it is not empty.
  void seal_at(std::uint64_t first_position, std::uint64_t synced_offset, std::uint64_t log_id) noexcept;

  static constexpr std::size_t piece_count = 4;
  /// The bytes of the sealed frame, up to where the next one begins.
  std::array<std::string_view, piece_count> pieces() const noexcept;

  /// The lines again, with their text in this frame. Ids are not filled in.
  void append_lines(std::vector<Line>& lines) const;

 private:
  FrameHeader header_;
  std::vector<Record> records_;
  std::vector<char> text_;
};

}  // namespace tracking::file_log
