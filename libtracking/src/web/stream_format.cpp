#include <tracking/web.h>

#include "codec/cursor.h"

namespace tracking::web {
namespace {

/// A cursor that came from a distance is another's text: one that would break out of a frame is left out.
bool is_plain(std::string_view text) noexcept {
  for (const char c : text) {
    if (c <= 0x20 || c > 0x7E || c == '"' || c == '\\') return false;
  }
  return !text.empty();
}

/// Appends `before`, the cursor and `after`.
void append_cursor(std::string& out, std::string_view before, std::string_view cursor, std::string_view after) {
  if (is_plain(cursor)) out.append(before).append(cursor).append(after);
}

/// The same with the delivery's cursor; one of our own is written without allocating.
void append_cursor(std::string& out, std::string_view before, const DeliveryView& delivery, std::string_view after) {
  if (!delivery.cursor_text.empty()) return append_cursor(out, before, delivery.cursor_text, after);
  char text[codec::cursor_text_size];
  codec::write_cursor(text, codec::cursor_of(delivery));
  out.append(before).append(text, sizeof text).append(after);
}

/// The object inside `{"gap":{...}}`: in SSE the event's name says what it is.
std::string gap_object(const Gap& gap) {
  constexpr std::size_t prefix = std::string_view("{\"gap\":").size();
  std::string json = to_json(gap);
  return json.substr(prefix, json.size() - prefix - 1);
}

}  // namespace

void append_sse_opening(std::string& out, std::string_view cursor) {
  out += "retry: 2000\n";
  append_cursor(out, "id: ", cursor, "\n");
  out += '\n';
}

void append_sse(std::string& out, const DeliveryView& delivery) {
  if (delivery.gap) out += "event: gap\n";
  append_cursor(out, "id: ", delivery, "\n");
  out += "data: ";
  if (delivery.gap) {
    out += gap_object(*delivery.gap);
  } else {
    out += delivery.json;
  }
  out += "\n\n";
}

void append_sse_heartbeat(std::string& out, std::string_view cursor) {
  out += ":\n";
  append_cursor(out, "id: ", cursor, "\n");
  out += '\n';
}

void append_ndjson(std::string& out, const DeliveryView& delivery) {
  if (delivery.gap) {
    out += to_json(*delivery.gap);
    out.pop_back();
    append_cursor(out, ",\"cursor\":\"", delivery, "\"");
    out += "}\n";
    return;
  }
  out += '{';
  append_cursor(out, "\"cursor\":\"", delivery, "\",");
  out += delivery.json.substr(1);
  out += '\n';
}

}  // namespace tracking::web
