// Takes a stream of server-sent events (WHATWG HTML, 9.2) apart, in whatever pieces it comes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tracking::remote {

/// One frame, borrowed for the call that it is handed to.
struct SseFrame {
  std::string_view type;  ///< "event:", or empty for the default, a message
  std::string_view id;    ///< "id:", or empty
  std::string_view data;
  bool has_data = false;
  bool is_oversized = false;  ///< its data was longer than the reader takes, and is not here
};

class SseHandler {
 public:
  /// A blank line ended a frame. False: take no more.
  virtual bool frame(const SseFrame& frame) = 0;

 protected:
  ~SseHandler() = default;
};

/// Bounded: a line that is longer than line_bytes_max is dropped while it comes. A frame has at most one `data:` line,
/// as our server writes it; of several, the data is joined by line breaks as the standard says.
class SseReader {
 public:
  explicit SseReader(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// False as soon as the handler says so; the reader is not used afterwards.
  bool feed(std::string_view piece, SseHandler& handler);

 private:
  bool line(std::string_view line, SseHandler& handler);
  bool end_frame(SseHandler& handler);
  void field(std::string_view name, std::string_view value);

  const std::size_t line_bytes_max_;
  std::string partial_;       // the beginning of a line whose end has not come
  bool drops_line_ = false;   // the line under way is too long: it is skipped up to its end
  bool is_after_cr_ = false;  // a LF that comes next belongs to the line break before
  std::string type_;
  std::string id_;
  std::string data_;
  bool has_data_ = false;
  bool is_oversized_ = false;
};

}  // namespace tracking::remote
