#include "text.h"

namespace tracking::apps {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_escape(std::string& out, char kind, std::uint32_t value, int digits) {
  out += '\\';
  out += kind;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += hex_digits[(value >> shift) & 0xf];
}

/// How many bytes a character has that begins with this one; 0 = none begins so.
int sequence_length(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

}  // namespace

std::int32_t take_code_point(std::string_view& text) noexcept {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const int length = sequence_length(byte(0));
  if (length == 1) {
    const std::int32_t character = byte(0);
    text.remove_prefix(1);
    return character;
  }
  std::int32_t character = -1;
  if (length != 0 && text.size() >= static_cast<std::size_t>(length)) {
    character = byte(0) & (0xff >> (length + 1));
    for (int index = 1; index < length && character >= 0; ++index) {
      const auto next = byte(static_cast<std::size_t>(index));
      character = (next & 0xc0) == 0x80 ? (character << 6) | (next & 0x3f) : -1;
    }
    // Overlong forms, surrogates, and beyond Unicode.
    const bool is_wrong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000) ||
                          character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff);
    if (is_wrong) character = -1;
  }
  text.remove_prefix(character < 0 ? 1 : static_cast<std::size_t>(length));
  return character;
}

bool is_unsafe_to_show(std::int32_t code_point) noexcept {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x061c ||
         (code_point >= 0x200e && code_point <= 0x200f) || (code_point >= 0x2028 && code_point <= 0x202e) ||
         (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto* const start = text.data();
    const auto character = take_code_point(text);
    if (character < 0) {
      out += "\\ufffd";
    } else if (character == '"' || character == '\\') {
      out += '\\';
      out += static_cast<char>(character);
    } else if (character == '\n') {
      out += "\\n";
    } else if (character == '\t') {
      out += "\\t";
    } else if (is_unsafe_to_show(character)) {
      append_escape(out, 'u', static_cast<std::uint32_t>(character), 4);
    } else {
      out.append(start, static_cast<std::size_t>(text.data() - start));
    }
  }
  out += '"';
}

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto* const start = text.data();
    const auto character = take_code_point(text);
    if (character < 0) {
      append_escape(out, 'x', static_cast<unsigned char>(*start), 2);
    } else if (character == '\n') {
      out += "\\n";
    } else if (character == '\r') {
      out += "\\r";
    } else if (character == '\t') {
      out += "\\t";
    } else if (is_unsafe_to_show(character)) {
      const bool is_short = character < 0x100;
      append_escape(out, is_short ? 'x' : 'u', static_cast<std::uint32_t>(character), is_short ? 2 : 4);
    } else {
      out.append(start, static_cast<std::size_t>(text.data() - start));
    }
  }
}

}  // namespace tracking::apps
