#include "codec/event_line.h"

#include <tracking/subscription.h>

#include "codec/decimal.h"
#include "codec/event_decoder.h"
#include "codec/json_scanner.h"

#include <cstring>

namespace tracking::codec {
namespace {

template <std::size_t size>
char* put(char* out, const char (&literal)[size]) noexcept {
  std::memcpy(out, literal, size - 1);
  return out + size - 1;
}

template <std::size_t size>
void copy_ends(char* out, const char* bytes, std::size_t count) noexcept {
  std::memcpy(out, bytes, size);
  std::memcpy(out + count - size, bytes + count - size, size);
}

// memcpy without a call for the sizes that ids, producers and most data have: two moves that overlap.
[[gnu::always_inline]] inline char* put(char* out, std::string_view text) noexcept {
  const std::size_t count = text.size();
  const char* const bytes = text.data();
  if (count > 64) {
    std::memcpy(out, bytes, count);
  } else if (count >= 32) {
    copy_ends<32>(out, bytes, count);
  } else if (count >= 16) {
    copy_ends<16>(out, bytes, count);
  } else if (count >= 8) {
    copy_ends<8>(out, bytes, count);
  } else if (count >= 4) {
    copy_ends<4>(out, bytes, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = bytes[i];
  }
  return out + count;
}

}  // namespace

char* write_event_line(char* out, const EventLineParts& parts) noexcept {
  out = put(out, "{\"id\":\"");
  out = put(out, parts.id);
  out = put(out, "\",\"account_id\":");
  out = write_decimal_inline(out, static_cast<std::uint64_t>(parts.account_id));
  out = put(out, ",\"timestamp\":\"");
  std::memcpy(out, parts.timestamp, rfc3339_size);
  out += rfc3339_size;
  if (parts.occurred_at) {
    out = put(out, "\",\"occurred_at\":\"");
    std::memcpy(out, parts.occurred_at, rfc3339_size);
    out += rfc3339_size;
  }
  out = put(out, "\",\"producer\":\"");
  out = put(out, parts.producer);
  out = put(out, "\",\"sequence\":");
  out = write_decimal_inline(out, parts.sequence);
  out = put(out, ",\"data\":");
  out = put(out, parts.data);
  *out = '}';
  return out + 1;
}

}  // namespace tracking::codec
