#include "file/frame_builder.h"

#include <algorithm>

#include "file/crc32c.h"

namespace tracking::file_log {

void FrameBuilder::add(const Line& line) {
  if (records_.size() == records_.capacity()) records_.reserve(2 * records_.size() + 16);
  text_.insert(text_.end(), line.json.begin(), line.json.end());
  const std::int64_t timestamp_us = line.timestamp.time_since_epoch().count();
  const bool is_first = records_.empty();
  header_.min_timestamp_us = is_first ? timestamp_us : std::min(header_.min_timestamp_us, timestamp_us);
  header_.max_timestamp_us = is_first ? timestamp_us : std::max(header_.max_timestamp_us, timestamp_us);
  records_.push_back({.account_id = line.account_id,
                      .timestamp_us = timestamp_us,
                      .text_end = static_cast<std::uint32_t>(text_.size())});
}

void FrameBuilder::cut(const Mark& mark) noexcept {
  header_ = mark.header;
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(mark.records), records_.end());
  text_.erase(text_.begin() + static_cast<std::ptrdiff_t>(mark.text_bytes), text_.end());
}

void FrameBuilder::clear() noexcept {
  header_ = {};
  records_.clear();
  text_.clear();
}

void FrameBuilder::seal_at(std::uint64_t first_position, std::uint64_t synced_offset, std::uint64_t log_id) noexcept {
  header_.payload_bytes = static_cast<std::uint32_t>(payload_bytes());
  header_.count = static_cast<std::uint32_t>(records_.size());
  header_.log_id = log_id;
  header_.first_position = first_position;
  header_.synced_offset = synced_offset;
  const auto pieces = this->pieces();
  header_.payload_crc = crc32c(pieces[2], crc32c(pieces[1]));
  seal(header_);
}

std::array<std::string_view, FrameBuilder::piece_count> FrameBuilder::pieces() const noexcept {
  static constexpr char zeros[frame_alignment] = {};
  const std::string_view records(reinterpret_cast<const char*>(records_.data()), records_.size() * sizeof(Record));
  const std::size_t padding = header_.stride() - sizeof(FrameHeader) - header_.payload_bytes;
  return {bytes_of(header_), records, std::string_view(text_.data(), text_.size()), std::string_view(zeros, padding)};
}

void FrameBuilder::append_lines(std::vector<Line>& lines) const {
  std::size_t begin = 0;
  for (const Record& record : records_) {
    lines.push_back({.json = {text_.data() + begin, record.text_end - begin},
                     .account_id = record.account_id,
                     .timestamp = record.timestamp()});
    begin = record.text_end;
  }
}

}  // namespace tracking::file_log
