#include "event_tap.h"

namespace tracking::cli {

EventTap::State EventTap::read(std::string_view received, const std::function<void(std::string_view line)>& event) {
  raw_.append(received);
  if (state_ == State::opening && !read_head()) return state_;
  if (state_ == State::ended) return state_;
  if (is_chunked_) {
    raw_.erase(0, chunks_.decode(raw_, lines_));
  } else {
    lines_.append(raw_);
    raw_.clear();
  }
  read_lines(event);
  if (chunks_.is_done() || chunks_.is_malformed()) state_ = State::ended;
  return state_;
}

// False: it is not whole yet.
bool EventTap::read_head() {
  AnswerHead head;
  const Parsed parsed = parse_answer_head(raw_, head);
  if (parsed == Parsed::incomplete) return false;
  const bool is_stream = parsed == Parsed::done && head.status == 200;
  state_ = is_stream ? State::live : State::ended;
  if (!is_stream) refusal_ = "the stream was refused: " + raw_.substr(0, raw_.find("\r\n"));
  raw_.erase(0, head.bytes);
  is_chunked_ = head.is_chunked;
  return true;
}

void EventTap::read_lines(const std::function<void(std::string_view line)>& event) {
  constexpr std::string_view data = "data: ";
  constexpr std::string_view gap = "event: gap";
  std::size_t at = 0;
  for (;;) {
    const auto end = lines_.find('\n', at);
    if (end == std::string::npos) break;
    const auto line = std::string_view(lines_).substr(at, end - at);
    at = end + 1;
    if (line.empty()) {
      is_gap_ = false;
    } else if (line == gap) {
      is_gap_ = true;
      ++gaps_;
    } else if (line.starts_with(data) && !is_gap_) {
      event(line.substr(data.size()));
    }
  }
  lines_.erase(0, at);
}

}  // namespace tracking::cli
