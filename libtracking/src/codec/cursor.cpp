// Cursors as text, and the other ways to say where a subscription starts.
#include "codec/cursor.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

#include <cstring>
#include <new>

namespace tracking {
namespace {

// A cursor's bytes: a version, four big-endian numbers, and a check over all that stands before it. 36 bytes are 48
// characters of base64url without a bit left over, so every cursor has exactly one text.
constexpr std::string_view prefix = "c_";
constexpr unsigned char cursor_version = 1;
constexpr int check_bytes = 3;
constexpr std::size_t cursor_bytes = 1 + 4 * 8 + check_bytes;
constexpr std::size_t cursor_characters = cursor_bytes / 3 * 4;
static_assert(prefix.size() + cursor_characters == codec::cursor_text_size);

unsigned char* put_u64(unsigned char* out, std::uint64_t value) noexcept {
  for (int shift = 56; shift >= 0; shift -= 8) *out++ = static_cast<unsigned char>(value >> shift);
  return out;
}

std::uint64_t get_u64(const unsigned char*& in) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | *in++;
  return value;
}

// Against typing mistakes, cut texts and chance, not against forgers: a cursor gives no rights.
std::uint32_t check_of(unsigned char version, const Cursor& cursor) noexcept {
  std::uint64_t hash = version;
  const auto time = static_cast<std::uint64_t>(cursor.timestamp.time_since_epoch().count());
  for (const std::uint64_t word : {cursor.incarnation, cursor.position, time, cursor.id_hash}) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;  // 2^64 / golden ratio, odd: spreads every bit upwards
    hash ^= hash >> 32;
  }
  return static_cast<std::uint32_t>(hash * 0x9e3779b97f4a7c15 >> (64 - 8 * check_bytes));
}

// "30s" in microseconds. Nothing if it is no duration, or one that no Timestamp can be away from another.
std::optional<std::chrono::microseconds> parse_duration(std::string_view text) noexcept {
  if (text.size() < 2) return std::nullopt;
  std::int64_t unit_us = 1'000'000;
  switch (text.back()) {
    case 's':
      break;
    case 'm':
      unit_us *= 60;
      break;
    case 'h':
      unit_us *= 3'600;
      break;
    case 'd':
      unit_us *= 86'400;
      break;
    default:
      return std::nullopt;
  }
  text.remove_suffix(1);
  std::int64_t count = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, c - '0', &count)) {
      return std::nullopt;
    }
  }
  if (__builtin_mul_overflow(count, unit_us, &count)) return std::nullopt;
  return std::chrono::microseconds(count);
}

Status no_start_point() {
  return {Code::invalid_parameter,
          "since must be now, all, a cursor (c_...), an RFC 3339 time (2026-11-23T20:24:06Z), or a duration back from "
          "now (30s, 10m, 2h, 7d)"};
}

}  // namespace

namespace codec {

std::string_view id_of_line(std::string_view line) noexcept {
  constexpr std::string_view head = R"({"id":")";
  if (line.substr(0, head.size()) == head) {
    const auto end = line.find('"', head.size());
    const auto id = line.substr(head.size(), end == line.npos ? 0 : end - head.size());
    if (id.find('\\') == id.npos) return id;
  }
  const auto fields = parse_event_line(line);
  return fields ? fields->id : std::string_view{};
}

char* write_cursor(char* out, const Cursor& cursor) noexcept {
  unsigned char bytes[cursor_bytes];
  unsigned char* end = bytes;
  *end++ = cursor_version;
  end = put_u64(end, cursor.incarnation);
  end = put_u64(end, cursor.position);
  end = put_u64(end, static_cast<std::uint64_t>(cursor.timestamp.time_since_epoch().count()));
  end = put_u64(end, cursor.id_hash);
  const std::uint32_t check = check_of(cursor_version, cursor);
  for (int shift = 8 * (check_bytes - 1); shift >= 0; shift -= 8) *end++ = static_cast<unsigned char>(check >> shift);
  std::memcpy(out, prefix.data(), prefix.size());
  return encode_base64url(out + prefix.size(), bytes, sizeof bytes);
}

Cursor cursor_of(const DeliveryView& view) noexcept {
  Cursor cursor = view.cursor;
  if (cursor.id_hash == 0 && view.gap == nullptr && !view.json.empty()) {
    const auto id = id_of_line(view.json);
    if (!id.empty()) cursor.id_hash = hash_id(id);
  }
  return cursor;
}

}  // namespace codec

std::uint64_t hash_id(std::string_view id) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash != 0 ? hash : 1;
}

std::string to_text(const Cursor& cursor) {
  std::string text(codec::cursor_text_size, '\0');
  codec::write_cursor(text.data(), cursor);
  return text;
}

std::optional<Cursor> parse_cursor(std::string_view text) noexcept {
  if (text.size() != codec::cursor_text_size || text.substr(0, prefix.size()) != prefix) return std::nullopt;
  unsigned char bytes[cursor_bytes];
  if (!codec::decode_base64url(bytes, text.data() + prefix.size(), cursor_characters)) return std::nullopt;
  const unsigned char* in = bytes + 1;
  Cursor cursor;
  cursor.incarnation = get_u64(in);
  cursor.position = get_u64(in);
  cursor.timestamp = Timestamp(std::chrono::microseconds(static_cast<std::int64_t>(get_u64(in))));
  cursor.id_hash = get_u64(in);
  std::uint32_t check = 0;
  for (int i = 0; i < check_bytes; ++i) check = check << 8 | *in++;
  if (bytes[0] != cursor_version || check != check_of(cursor_version, cursor)) return std::nullopt;
  return cursor;
}

Result<StartPoint> parse_since(const Since& since, Timestamp now) noexcept try {
  const std::string_view text = since.text();
  StartPoint start;
  if (text.empty() || text == "now") return start;
  if (text == "all") {
    start.kind = StartPoint::Kind::all;
    return start;
  }
  if (text.substr(0, prefix.size()) == prefix) {
    const auto cursor = parse_cursor(text);
    start.kind = cursor ? StartPoint::Kind::cursor : StartPoint::Kind::unreadable_cursor;
    start.cursor = cursor.value_or(Cursor{});
    return start;
  }
  start.kind = StartPoint::Kind::time;
  if (const auto duration = parse_duration(text)) {
    std::int64_t time_us = 0;
    if (__builtin_sub_overflow(now.time_since_epoch().count(), duration->count(), &time_us)) return no_start_point();
    start.time = Timestamp(std::chrono::microseconds(time_us));
    return start;
  }
  const auto time = codec::parse_rfc3339(text);
  if (!time) return no_start_point();
  start.time = *time;
  return start;
} catch (const std::bad_alloc&) {
  return Status(Code::overloaded, {});
}

std::string to_json(const Gap& gap) {
  std::string json = R"({"gap":{"reason":)";
  codec::append_json_string(json, gap.reason);
  if (gap.missed) json.append(",\"missed\":").append(std::to_string(*gap.missed));
  if (gap.account_id) json.append(",\"account_id\":").append(std::to_string(*gap.account_id));
  return json.append("}}");
}

std::string cursor_text(const DeliveryView& view) {
  if (!view.cursor_text.empty()) return std::string(view.cursor_text);
  return to_text(codec::cursor_of(view));
}

}  // namespace tracking
