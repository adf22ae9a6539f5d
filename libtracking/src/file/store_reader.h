// Reads the log from one position on, across its segments.
#pragma once

#include <optional>
#include <string_view>

#include "file/frame_reader.h"
#include "file/store.h"

namespace tracking::file_log {

/// One thread. Holds the segment that it is in open, so retention does not stop it.
class StoreReader {
 public:
  StoreReader(const Store& store, std::uint64_t position) : store_(store), position_(position) {}

  enum class Next : std::uint8_t {
    frame,   ///< frame(): it may begin before the position asked for
    hole,    ///< hole()
    end,     ///< nothing more at this moment
    failed,  ///< a segment cannot be opened or read, and nothing is known of what is in it: message(); the next call
             ///< tries it again
  };
  Next next();

  const FrameView& frame() const noexcept { return frame_; }
  /// Positions of which nothing can be delivered.
  struct Hole {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::string_view reason = {};  ///< of gap_reason
    bool is_counted = true;        ///< each of the positions was an event; else some of them were
  };
  const Hole& hole() const noexcept { return hole_; }
  const std::string& message() const noexcept { return message_; }

  /// Everything before it was returned.
  std::uint64_t position() const noexcept { return position_; }

 private:
  /// What to return, or nothing: the segment is open.
  std::optional<Next> open_segment();
  std::optional<Next> read_from(std::shared_ptr<File> file);
  Next skip_to(std::uint64_t position, std::string_view reason);
  Next fail(const char* what, const Io& io);
  Next take_frame();

  const Store& store_;
  std::uint64_t position_;
  std::shared_ptr<Segment> segment_;
  std::optional<FrameReader> reader_;
  FrameView frame_;
  bool is_frame_waiting_ = false;  // it comes after a hole
  Hole hole_;
  std::string message_;
};

/// Where reading begins that was asked for by time.
struct TimeStart {
  /// The first whose timestamp is not before the time; the store's next position if there is none.
  std::uint64_t position = 0;
  /// Events that cannot be read stand before it, and may have been of that time.
  bool is_after_damage = false;
};

/// Timestamps of several producers interleave: those behind the position may be older again. An error: a read failed,
/// and where it begins is not known.
Result<TimeStart> first_not_before(const Store& store, Timestamp time);

}  // namespace tracking::file_log
