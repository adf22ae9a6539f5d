#include "file/tail.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "file/frame_reader.h"

namespace tracking::file_log {
namespace {

// The positions of what matches in a block of a segment. Damage is told when the block is read from there on.
Io matches_in(const std::shared_ptr<File>& file, const FrameReader::Range& block, const history::AccountFilter& filter,
              const TailRange& range, std::vector<std::uint64_t>& positions) {
  positions.clear();
  FrameReader reader(file, block, FrameReader::OnReadError::skip);
  for (;;) {
    const auto next = reader.next();
    if (next == FrameReader::Next::damage) continue;
    if (next != FrameReader::Next::frame) return reader.error();
    const FrameView& frame = reader.frame();
    const std::uint64_t end = std::min(frame.next_position(), range.end);
    for (std::uint64_t position = std::max(frame.first_position(), range.earliest); position < end; ++position) {
      if (filter.matches(frame.record(position).account_id, position)) positions.push_back(position);
    }
  }
}

/// Walks backwards until enough was counted.
class TailSearch {
 public:
  TailSearch(const Store& store, const history::AccountFilter& filter, const TailRange& range,
             const std::atomic<bool>& is_cancelled)
      : store_(store), filter_(filter), range_(range), is_cancelled_(is_cancelled), missing_(range.count) {}

  Result<std::uint64_t> run() {
    if (missing_ == 0) return range_.end;
    const SegmentList segments = store_.segments();
    for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
      if ((*segment)->first_position() >= range_.end) continue;
      const auto is_done = look_through(**segment);
      if (!is_done) return is_done.error();
      if (*is_done || (*segment)->first_position() <= range_.earliest) break;
    }
    return missing_ > 0 ? range_.earliest : start_;
  }

 private:
  Result<bool> look_through(const Segment& segment) {
    std::shared_ptr<File> file;
    if (const Io io = segment.open(file); !io) {
      // What is not there any more is told by who reads from where we begin.
      if (io.error == ENOENT) return false;
      return store_.failed_read(segment.describe("opening", io));
    }
    SegmentIndex index;
    if (const Io io = segment.index(file, store_.log_id(), index); !io)
      return store_.failed_read(segment.describe("reading", io));
    std::uint64_t end = segment.extent().end_offset;
    std::vector<std::uint64_t> positions;
    for (auto entry = index.entries().rbegin(); entry != index.entries().rend() && !is_cancelled_; ++entry) {
      const FrameReader::Range block{
          .log_id = store_.log_id(), .offset = entry->offset, .end = end, .position = segment.first_position()};
      if (const Io io = matches_in(file, block, filter_, range_, positions); !io)
        return store_.failed_read(segment.describe("reading", io));
      if (take(positions)) return true;
      end = entry->offset;
      if (entry->position <= range_.earliest) break;
    }
    return is_cancelled_.load();
  }

  bool take(const std::vector<std::uint64_t>& positions) {
    if (positions.size() < missing_) {
      missing_ -= positions.size();
      return false;
    }
    start_ = positions[positions.size() - static_cast<std::size_t>(missing_)];
    missing_ = 0;
    return true;
  }

  const Store& store_;
  const history::AccountFilter& filter_;
  const TailRange& range_;
  const std::atomic<bool>& is_cancelled_;
  std::uint64_t missing_;
  std::uint64_t start_ = 0;
};

}  // namespace

Result<std::uint64_t> tail_start(const Store& store, const history::AccountFilter& filter, const TailRange& range,
                                 const std::atomic<bool>& is_cancelled) {
  if (filter.is_all() && filter.accounts().empty())
    return std::max(range.earliest, range.end - std::min(range.end, range.count));
  return TailSearch(store, filter, range, is_cancelled).run();
}

}  // namespace tracking::file_log
