// Reads a segment frame by frame, and verifies each.
#pragma once

#include <memory>
#include <string_view>

#include "file/file_system.h"
#include "file/format.h"

namespace tracking::file_log {

/// A verified frame, in a buffer that it shares with its neighbours.
class FrameView {
 public:
  FrameView() = default;
  FrameView(const char* frame, std::shared_ptr<const char[]> buffer) noexcept;

  const FrameHeader& header() const noexcept { return header_; }
  std::uint64_t first_position() const noexcept { return header_.first_position; }
  std::uint64_t next_position() const noexcept { return header_.next_position(); }
  /// Precondition: first_position() <= position < next_position().
  const Record& record(std::uint64_t position) const noexcept { return records_[position - header_.first_position]; }
  std::string_view line(std::uint64_t position) const noexcept {
    const Record* const record = records_ + (position - header_.first_position);
    const std::uint32_t begin = record == records_ ? 0 : record[-1].text_end;
    return {text_ + begin, record->text_end - begin};
  }
  const std::shared_ptr<const char[]>& buffer() const noexcept { return buffer_; }

 private:
  FrameHeader header_;
  const Record* records_ = nullptr;
  const char* text_ = nullptr;
  std::shared_ptr<const char[]> buffer_;
};

/// A stretch of a segment in which no frame can be read.
struct Damage {
  std::uint64_t begin_offset = 0;
  std::uint64_t end_offset = 0;  ///< where the next frame begins, or the end
  /// Before what is read next, if anything is.
  std::uint64_t begin_position = 0;
  std::uint64_t end_position = 0;  ///< 0 if that is not known
};

/// One thread.
class FrameReader {
 public:
  struct Range {
    std::uint64_t log_id = 0;    ///< 0: of any log; the first frame's from then on
    std::uint64_t offset = 0;    ///< of a frame
    std::uint64_t end = 0;       ///< offset at which reading ends
    std::uint64_t position = 0;  ///< the first that may come
  };
  /// Whether what the medium does not give back is damage, to be passed over, or an error. Any other read that fails
  /// is an error.
  enum class OnReadError : bool { fail, skip };

  FrameReader(std::shared_ptr<File> file, const Range& range, OnReadError on_error);

  enum class Next : std::uint8_t {
    frame,   ///< frame()
    damage,  ///< damage(); what follows it comes next
    end,
    failed,  ///< error(); it may be tried again
  };
  Next next();
  const FrameView& frame() const noexcept { return frame_; }
  const Damage& damage() const noexcept { return damage_; }
  const Io& error() const noexcept { return error_; }
  /// Where the next frame begins, and what position is expected there.
  std::uint64_t offset() const noexcept { return range_.offset; }
  std::uint64_t position() const noexcept { return range_.position; }
  std::uint64_t log_id() const noexcept { return range_.log_id; }
  /// The segment has grown. False if it has not.
  bool extend(std::uint64_t end) noexcept {
    const bool has_grown = end > range_.end;
    if (has_grown) range_.end = end;
    return has_grown;
  }

  static constexpr std::size_t buffer_bytes = 512 << 10;

 private:
  /// At least `size` bytes from `offset` on, or nullptr: range_.end comes before, or error_ is set.
  const char* load(std::uint64_t offset, std::size_t size);
  Io read_what_can_be_read(std::uint64_t offset, char* into, std::size_t size);
  /// The header at `offset`, if a frame that may come now begins there.
  const char* header_at(std::uint64_t offset, FrameHeader& header);
  bool is_whole(const FrameHeader& header, std::uint64_t offset);
  Next pass_over_damage();
  Next end_of_damage(std::uint64_t end_offset, std::uint64_t end_position);

  const std::shared_ptr<File> file_;
  const OnReadError on_error_;
  Range range_;
  FrameView frame_;
  Damage damage_;
  Io error_;
  std::shared_ptr<char[]> buffer_;
  std::size_t buffer_capacity_ = 0;
  std::uint64_t loaded_offset_ = 0;
  std::size_t loaded_size_ = 0;
};

}  // namespace tracking::file_log
