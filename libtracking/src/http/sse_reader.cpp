#include "http/sse_reader.h"

namespace tracking::remote {
namespace {

// Where the first CR or LF stands. Two searches for a byte are several times faster than one for either.
std::size_t line_end(std::string_view text) {
  const auto line_feed = text.find('\n');
  const auto carriage_return = text.substr(0, line_feed).find('\r');
  return carriage_return != std::string_view::npos ? carriage_return : line_feed;
}

}  // namespace

bool SseReader::feed(std::string_view piece, SseHandler& handler) {
  while (!piece.empty()) {
    if (is_after_cr_) {
      is_after_cr_ = false;
      if (piece.front() == '\n') piece.remove_prefix(1);
      continue;
    }
    const auto end = line_end(piece);
    const std::string_view text = piece.substr(0, end);
    if (!drops_line_ && partial_.size() + text.size() > line_bytes_max_) {
      drops_line_ = true;
      is_oversized_ = true;
      partial_.clear();
      partial_.shrink_to_fit();
    }
    if (end == std::string_view::npos) {
      if (!drops_line_) partial_.append(text);
      return true;
    }
    is_after_cr_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    if (drops_line_) {
      drops_line_ = false;
    } else if (partial_.empty()) {
      if (!line(text, handler)) return false;
    } else {
      partial_.append(text);
      const bool goes_on = line(partial_, handler);
      partial_.clear();
      if (!goes_on) return false;
    }
  }
  return true;
}

bool SseReader::line(std::string_view line, SseHandler& handler) {
  if (line.empty()) return end_frame(handler);
  const auto colon = line.find(':');
  if (colon == 0) return true;  // a comment
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  field(line.substr(0, colon), value);
  return true;
}

void SseReader::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) data_.push_back('\n');
    has_data_ = true;
    if (data_.size() + value.size() <= line_bytes_max_) {
      data_.append(value);
    } else {
      is_oversized_ = true;
    }
  } else if (name == "id") {
    id_ = value;
  } else if (name == "event") {
    type_ = value;
  }
}

bool SseReader::end_frame(SseHandler& handler) {
  const SseFrame frame{.type = type_,
                       .id = id_,
                       .data = is_oversized_ ? std::string_view() : data_,
                       .has_data = has_data_ || is_oversized_,
                       .is_oversized = is_oversized_};
  const bool goes_on = (!frame.has_data && id_.empty()) || handler.frame(frame);
  type_.clear();
  id_.clear();
  data_.clear();
  has_data_ = false;
  is_oversized_ = false;
  return goes_on;
}

}  // namespace tracking::remote
