#include <tracking/web.h>

namespace tracking::web {
namespace {

/// A cursor that came from a distance is another's text: what would break out of a frame is not passed on.
bool is_plain(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7E || c == '"' || c == '\\') {
      return false;
    }
  }
  return true;
}

void append_id(std::string& out, std::string_view cursor) {
  if (!cursor.empty() && is_plain(cursor)) out.append("id: ").append(cursor).append("\n");
}

void append_cursor(std::string& out, const DeliveryView& delivery) {
  if (delivery.cursor_text.empty()) {
    out += cursor_text(delivery);
  } else if (is_plain(delivery.cursor_text)) {
    out += delivery.cursor_text;
  }
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
  append_id(out, cursor);
  out += '\n';
}

void append_sse(std::string& out, const DeliveryView& delivery) {
  if (delivery.gap) out += "event: gap\n";
  out += "id: ";
  append_cursor(out, delivery);
  out += "\ndata: ";
  if (delivery.gap) {
    out += gap_object(*delivery.gap);
  } else {
    out += delivery.json;
  }
  out += "\n\n";
}

void append_sse_heartbeat(std::string& out, std::string_view cursor) {
  out += ":\n";
  append_id(out, cursor);
  out += '\n';
}

void append_ndjson(std::string& out, const DeliveryView& delivery) {
  if (delivery.gap) {
    out += to_json(*delivery.gap);
    out.back() = ',';
    out += "\"cursor\":\"";
    append_cursor(out, delivery);
    out += "\"}\n";
    return;
  }
  out += "{\"cursor\":\"";
  append_cursor(out, delivery);
  out += "\",";
  out += delivery.json.substr(1);
  out += '\n';
}

}  // namespace tracking::web
