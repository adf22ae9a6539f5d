#include "server/frame_cache.h"

namespace tracking::httpd {
namespace {

void append_frame(std::string& out, const DeliveryView& event, bool is_sse) {
  is_sse ? web::append_sse(out, event) : web::append_ndjson(out, event);
}

}  // namespace

void FrameCache::append(std::string& out, const DeliveryView& event, bool is_sse) {
  const bool has_line = !event.gap && event.json.size() > 1;
  const bool is_kept = has_line && event.cursor_text.empty() && event.json.size() <= line_bytes_max;
  if (!is_kept) return append_frame(out, event, is_sse);
  Frame& frame = frames_[event.cursor.position % frame_count];
  if (!frame.is_of(event, is_sse)) {
    frame.text.clear();
    append_frame(frame.text, event, is_sse);
    frame.cursor = event.cursor;
    frame.is_sse = is_sse;
  }
  out += frame.text;
}

/// A frame is made of nothing but the cursor and the line, which is last in it, but for the opening brace in NDJSON.
bool FrameCache::Frame::is_of(const DeliveryView& event, bool wants_sse) const noexcept {
  if (text.size() <= event.json.size() || is_sse != wants_sse || cursor != event.cursor) return false;
  std::string_view line = text;
  line.remove_suffix(is_sse ? 2 : 1);  // line breaks
  return line.ends_with(event.json.substr(1));
}

}  // namespace tracking::httpd
