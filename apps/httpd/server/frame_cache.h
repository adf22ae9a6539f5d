// The newest frames that streams were sent.
#pragma once

#include <tracking/web.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tracking::httpd {

/// Many subscribers are sent the same events, one subscriber after the other: each event's frame is made once, and
/// copied for the others. One thread.
class FrameCache {
 public:
  /// Appends the event's frame: what web::append_sse() or append_ndjson() appends.
  void append(std::string& out, const DeliveryView& event, bool is_sse);

 private:
  /// So many events in a row may be sent to one subscriber before it is the next one's turn.
  static constexpr std::size_t frame_count = 32;
  /// Frames of longer lines are made each time: to copy them takes longer than to make what else is in them.
  static constexpr std::size_t line_bytes_max = 2 * 1024;

  struct Frame {
    bool is_of(const DeliveryView& event, bool is_sse) const noexcept;

    Cursor cursor{};
    bool is_sse = false;
    std::string text;  // empty: none
  };
  std::array<Frame, frame_count> frames_;  // by position
};

}  // namespace tracking::httpd
