#include "codec/json.h"

#include "codec/decimal.h"
#include "codec/json_scanner.h"

#include <algorithm>

namespace tracking::codec {

bool validate_json(std::string_view text, int levels, JsonTraits& traits, JsonFault& fault) noexcept {
  JsonScanner scanner(text.data(), text.size());
  traits = {};
  const char* at = scanner.skip_start();
  if (at) at = scanner.skip_value(at, std::min(levels, nesting_max));
  if (at) {
    at = scanner.skip_space(at);
    if (at != scanner.end()) at = scanner.fail(at, "expected nothing after the value");
  }
  traits.has_line_breaks = scanner.has_line_breaks();
  fault = scanner.fault();
  return at != nullptr;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  const char* at = text.data();
  const char* const end = at + text.size();
  const char* copied = at;
  const auto replace = [&](std::size_t size, std::string_view by) {
    out.append(copied, static_cast<std::size_t>(at - copied)).append(by);
    copied = at += size;
  };
  while (at != end) {
    const auto c = static_cast<unsigned char>(*at);
    if (c >= 0x80) {
      if (const char* const after = skip_utf8(at, end)) {
        at = after;
      } else {
        replace(1, "\xef\xbf\xbd");
      }
    } else if (c == '"') {
      replace(1, "\\\"");
    } else if (c == '\\') {
      replace(1, "\\\\");
    } else if (c >= ' ') {
      ++at;
    } else if (c == '\n') {
      replace(1, "\\n");
    } else if (c == '\r') {
      replace(1, "\\r");
    } else if (c == '\t') {
      replace(1, "\\t");
    } else {
      constexpr char hex[] = "0123456789abcdef";
      const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
      replace(1, {escape, sizeof escape});
    }
  }
  out.append(copied, static_cast<std::size_t>(end - copied));
  out.push_back('"');
}

char* write_decimal(char* out, std::uint64_t value) noexcept { return write_decimal_inline(out, value); }

}  // namespace tracking::codec
