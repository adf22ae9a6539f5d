#include "unit_codec/event_generator.h"

#include <cstdio>

namespace tracking::testing {

std::string EventGenerator::event() {
  constexpr std::string_view names[] = {"account_id", "data", "id", "occurred_at", "x", "", "name", "\xc3\xa9"};
  constexpr std::string_view account_ids[] = {
      "1",   "7",   "9007199254740993",    "9223372036854775807",  "0",     "-1",
      "1.0", "1e3", "9223372036854775808", "18446744073709551616", "\"1\"", "null"};
  constexpr std::string_view ids[] = {"\"a\"", "\"order-4711\"", "\"A.b_c:-\"", "\"\"", "\"a b\"",
                                      "1",     "null",           "\"\\u0061\""};
  constexpr std::string_view times[] = {"\"2026-11-23T20:24:06Z\"", "\"2026-11-23T20:24:06.5+01:00\"", "\"now\"", "5"};
  std::string text = space() + "{";
  const std::size_t count = 1 + below(5);
  for (std::size_t i = 0; i < count; ++i) {
    // The needed ones mostly first, so that many objects are events.
    const auto name = i < 2 && chance(85) ? names[i] : any_of(names);
    if (i != 0) text += ",";
    text += space() + "\"" + (chance(10) ? escaped(name) : std::string(name)) + "\"" + space() + ":" + space();
    if (name == "account_id") {
      text += chance(60) ? account_ids[below(4)] : any_of(account_ids);
    } else if (name == "id") {
      text += any_of(ids);
    } else if (name == "occurred_at") {
      text += any_of(times);
    } else {
      text += value(3);
    }
    text += space();
  }
  return text + "}" + space();
}

std::string EventGenerator::value(int levels) {
  switch (below(levels > 0 ? 8 : 5)) {
    case 0:
      return number();
    case 1:
    case 2:
      return string();
    case 3:
      return "true";
    case 4:
      return chance(50) ? "null" : "false";
    case 5: {
      std::string array = "[" + space();
      for (std::size_t i = 0, count = below(4); i < count; ++i) array += (i ? "," : "") + value(levels - 1) + space();
      return array + "]";
    }
    case 6:
      return std::string(below(140), '[') + value(0);  // seldom closed
    default:
      break;
  }
  std::string object = "{" + space();
  for (std::size_t i = 0, count = below(4); i < count; ++i) {
    object += (i ? "," : "") + string() + space() + ":" + space() + value(levels - 1);
  }
  return object + "}";
}

std::string EventGenerator::damaged(std::string text) {
  constexpr std::string_view pieces[] = {"{",    "}",    "[",        "]",       ",",    ":",     "\"",   "\\",
                                         "0",    "-",    ".",        "e",       "\n",   "\t",    " ",    "\x01",
                                         "\x7f", "\x80", "\xc3\xa9", "\xff",    "nul",  "\\u00", "1e9",  "\xef\xbb\xbf",
                                         "//",   "'",    "\xed\xa0", "\\ud800", "\r\n", "e400",  "true", "\xf4\x90"};
  for (std::size_t i = 0, count = 1 + below(3); i < count; ++i) {
    const auto at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.insert(at, any_of(pieces));
        break;
      case 1:
        text.erase(at, 1 + below(3));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(10)));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(random_());
    }
  }
  return text;
}

std::string EventGenerator::space() {
  constexpr std::string_view spaces[] = {" ", "\n", "\t", "\r\n", "   "};
  return chance(90) ? std::string() : std::string(any_of(spaces));
}

std::string EventGenerator::string() {
  constexpr std::string_view pieces[] = {"a",
                                         "long enough for sixteen bytes",
                                         "\\n",
                                         "\\\"",
                                         "\\\\",
                                         "\\u00e9",
                                         "\xc3\xa9",
                                         "\\ud83d\\ude00",
                                         "\xf0\x9f\x98\x80",
                                         "\\udc00",
                                         "\xe2\x80\xa8",
                                         "\\u0000",
                                         "\x7f",
                                         "/",
                                         "\\/",
                                         "\xd1\x8f\xd1\x8e",
                                         "{",
                                         "]"};
  std::string text = "\"";
  for (std::size_t i = 0, count = below(5); i < count; ++i) text += any_of(pieces);
  return text + "\"";
}

std::string EventGenerator::number() {
  constexpr std::string_view numbers[] = {"0",
                                          "-0",
                                          "1",
                                          "-1",
                                          "1.5",
                                          "1e5",
                                          "-1.25E-7",
                                          "123456789012345678901234567890",
                                          "0.1",
                                          "1E+2",
                                          "9223372036854775807",
                                          "1e308",
                                          "4.9e-324",
                                          "1e-400"};
  return chance(50) ? std::string(any_of(numbers)) : std::to_string(random_() % 100'000);
}

std::string EventGenerator::escaped(std::string_view plain) {
  std::string text;
  for (const char c : plain) {
    if (chance(50) && static_cast<unsigned char>(c) < 0x80) {
      char escape[8];
      std::snprintf(escape, sizeof escape, chance(50) ? "\\u%04x" : "\\u%04X", static_cast<unsigned>(c));
      text += escape;
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace tracking::testing
