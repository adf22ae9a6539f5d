#include "codec/event_line.h"

namespace tracking::codec {

char* write_event_line(char* out, const EventLineParts& parts) noexcept {
  return write_event_line(out, parts, [&](char* at) { return line_detail::put(at, parts.id); });
}

}  // namespace tracking::codec
