// Reads stdin in lines, as many at a time as are there.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tracking::cli {

class LineReader {
 public:
  LineReader(std::size_t lines_max, std::size_t line_bytes_max)
      : lines_max_(lines_max), line_bytes_max_(line_bytes_max) {}

  struct Line {
    std::string text;
    bool is_too_long = false;  ///< its text was dropped
  };

  /// Waits for at least one line and takes what came with it. False: stdin has ended, or `stop_descriptor` became
  /// readable. The last line needs no line break.
  bool read(std::vector<Line>& lines, int stop_descriptor);

 private:
  bool fill(int stop_descriptor);
  void take_lines(std::vector<Line>& lines);

  const std::size_t lines_max_;
  const std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t searched_ = 0;  // so far into the buffer there is no line break
  bool drops_line_ = false;
  bool has_ended_ = false;
};

}  // namespace tracking::cli
