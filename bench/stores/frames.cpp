#include "frames.h"

#include <algorithm>
#include <cstring>

#include "file/crc32c.h"

namespace tracking::bench {

using file_log::FrameBuilder;
using file_log::FrameHeader;
using file_log::FrameView;

std::span<FrameBuilder* const> FramePacker::pack(std::span<const Line> lines) {
  used_.clear();
  for (const Line& line : lines) {
    if (used_.empty() || !used_.back()->has_room_for(line)) {
      if (used_.size() == builders_.size()) builders_.emplace_back();
      FrameBuilder& next = builders_[used_.size()];
      next.clear();
      used_.push_back(&next);
    }
    used_.back()->add(line);
  }
  return used_;
}

void join_frame(FrameBuilder& frame, std::uint64_t first_position, std::string& bytes) {
  frame.seal_at(first_position, 0, 1);
  bytes.clear();
  for (const std::string_view piece : frame.pieces()) bytes += piece;
}

std::optional<FrameView> view_frame(std::string_view bytes) {
  FrameHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::size_t rest = bytes.size() - sizeof header;
  if (!file_log::is_intact(header) || rest < header.payload_bytes) return std::nullopt;
  if (file_log::crc32c(bytes.substr(sizeof header, header.payload_bytes)) != header.payload_crc) return std::nullopt;
  const auto copy = std::make_shared<char[]>(bytes.size());  // aligned, as records must be
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return FrameView(copy.get(), copy);
}

void visit_frame(const FrameView& frame, std::uint64_t position, Visitor& visitor) {
  for (auto at = std::max(position, frame.first_position()); at < frame.next_position(); ++at) {
    visitor.event(at, frame.record(at).account_id, frame.line(at));
  }
}

}  // namespace tracking::bench
