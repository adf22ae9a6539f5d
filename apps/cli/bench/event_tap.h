// Reads one SSE stream (GET /v1/events) in pieces, line by line.
#pragma once

#include "answer_reader.h"

#include <functional>
#include <string>
#include <string_view>

namespace tracking::cli {

/// One connection each.
class EventTap {
 public:
  enum class State : std::uint8_t { opening, live, ended };

  /// Takes bytes received. `event` gets each event's line, borrowed; returns the state it is in then. `ended`: the
  /// server refused, or the stream is over; refusal() says why.
  State read(std::string_view received, const std::function<void(std::string_view line)>& event);

  std::uint64_t gaps() const noexcept { return gaps_; }
  const std::string& refusal() const noexcept { return refusal_; }

 private:
  bool read_head();
  void read_lines(const std::function<void(std::string_view line)>& event);

  State state_ = State::opening;
  bool is_chunked_ = false;
  bool is_gap_ = false;  // the event under way is one
  std::uint64_t gaps_ = 0;
  std::string raw_;    // received, not decoded yet
  std::string lines_;  // decoded, not read yet
  ChunkDecoder chunks_;
  std::string refusal_;
};

}  // namespace tracking::cli
