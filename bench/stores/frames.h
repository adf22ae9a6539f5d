// Frames of our own format as values in someone else's store: one row or key instead of one for each event, and a
// checksum where the store has none.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "file/frame_builder.h"
#include "file/frame_reader.h"
#include "store.h"

namespace tracking::bench {

/// Packs lines into as many frames as it takes; keeps its memory for the next call.
class FramePacker {
 public:
  /// Valid until the next call.
  std::span<file_log::FrameBuilder* const> pack(std::span<const Line> lines);

 private:
  std::deque<file_log::FrameBuilder> builders_;
  std::vector<file_log::FrameBuilder*> used_;
};

/// The bytes of a frame, in a string that is used again.
void join_frame(file_log::FrameBuilder& frame, std::uint64_t first_position, std::string& bytes);

/// Nothing if it is damaged.
std::optional<file_log::FrameView> view_frame(std::string_view bytes);

/// The frame's events from `position` on.
void visit_frame(const file_log::FrameView& frame, std::uint64_t position, Visitor& visitor);

}  // namespace tracking::bench
