// RFC 8259 case by case, in the spirit of "Parsing JSON is a Minefield".
#include "codec/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "unit_codec/exact_bytes.h"

namespace tracking::codec {
namespace {

using namespace std::string_literals;

struct Verdict {
  bool is_valid;
  JsonTraits traits;
  JsonFault fault;
};

Verdict judge(std::string_view text, int levels = nesting_max) {
  const tracking::testing::ExactBytes bytes(text);
  Verdict verdict{};
  verdict.is_valid = validate_json(bytes.view(), levels, verdict.traits, verdict.fault);
  return verdict;
}

std::string nested(int levels, std::string_view open = "[", std::string_view close = "]", std::string_view core = "") {
  std::string text;
  for (int i = 0; i < levels; ++i) text.append(open);
  text.append(core);
  for (int i = 0; i < levels; ++i) text.append(close);
  return text;
}

TEST(ValidJson, ScalarsStandAlone) {
  for (const char* text : {"null", "true", "false", "0", "-0", "1", "-1", "1.5", "1e5", "1E+5", "1e-5", "-0.0e-0",
                           "\"\"", "\"a\"", " 1 ", "\t\r\n1\n", "123456789012345678901234567890"}) {
    EXPECT_TRUE(judge(text).is_valid) << text;
  }
}

TEST(ValidJson, NumbersOfAnyLengthAndExponent) {
  for (const auto& text :
       {"1e400"s, "-1e999999999999999999999"s, "0.0000000000001e-2147483639"s, "9007199254740993"s,
        std::string(10'000, '9'), "0." + std::string(10'000, '1'), "1e" + std::string(10'000, '7')}) {
    EXPECT_TRUE(judge(text).is_valid) << text.substr(0, 40);
  }
}

TEST(ValidJson, StringsWithEveryEscape) {
  for (const char* text : {R"("\"\\\/\b\f\n\r\t")", R"("\u0000")", R"("\u00e9\uABCD\uabcd")", R"("\ud83d\ude00")",
                           R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\udc00\ud800x")"}) {
    EXPECT_TRUE(judge(text).is_valid) << text;
  }
}

TEST(ValidJson, EveryKindOfUtf8) {
  for (const char* text : {"\"\x7f\"", "\"\xc2\x80\"", "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"",
                           "\"\xee\x80\x80\"", "\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\"",
                           "\"\xe2\x80\xa8\xe2\x80\xae\"", "\"\xef\xbb\xbf\""}) {
    EXPECT_TRUE(judge(text).is_valid) << text;
  }
}

TEST(ValidJson, ArraysAndObjects) {
  for (const char* text :
       {"[]", "{}", "[ ]", "{ }", "[1]", "[1,2]", " [ 1 , 2 ] ", R"({"a":1})", R"({"a":1,"a":2})", R"({"":[]})",
        R"({"a":{"b":[{},[],{"c":null}]}})", "[[],[[]]]", "[{},{}]", "[\n1\n,\r2\t]"}) {
    EXPECT_TRUE(judge(text).is_valid) << text;
  }
}

TEST(InvalidJson, IsRefusedAtTheByteAtFault) {
  const std::pair<std::string, std::size_t> cases[] = {
      {"", 0},
      {" ", 1},
      {"\n\n", 2},
      {"nul", 0},
      {"nulL", 0},
      {"True", 0},
      {"truefalse", 4},
      {"NaN", 0},
      {"-NaN", 1},
      {"Infinity", 0},
      {"-Infinity", 1},
      {"undefined", 0},
      {"'a'", 0},
      {"01", 0},
      {"-01", 1},
      {"00", 0},
      {"+1", 0},
      {".5", 0},
      {"-.5", 1},
      {"1.", 2},
      {"1.e5", 2},
      {"1e", 2},
      {"1e+", 3},
      {"1ex", 2},
      {"-", 1},
      {"--1", 1},
      {"0x10", 1},
      {"1_000", 1},
      {"1 2", 2},
      {"1,", 1},
      {"[1,]", 3},
      {"[,1]", 1},
      {"[1 2]", 3},
      {"[1", 2},
      {"[", 1},
      {"]", 0},
      {"[1}", 2},
      {"[1]]", 3},
      {"{", 1},
      {"}", 0},
      {"{]", 1},
      {"{\"a\"", 4},
      {"{\"a\" 1}", 5},
      {"{\"a\":", 5},
      {"{\"a\":}", 5},
      {"{\"a\":1", 6},
      {"{\"a\":1,", 7},
      {"{\"a\":1,}", 7},
      {"{\"a\":1]", 6},
      {"{a:1}", 1},
      {"{1:1}", 1},
      {"{\"a\":1 \"b\":2}", 7},
      {"{\"a\"::1}", 5},
      {"[1]//", 3},
      {"/**/1", 0},
      {"\"", 1},
      {"\"a", 2},
      {"\"\\", 2},
      {"\"\\\"", 3},
      {"\"\\x\"", 1},
      {"\"\\'\"", 1},
      {"\"\\u\"", 1},
      {"\"\\u12\"", 1},
      {"\"\\u123g\"", 1},
      {"\"\\u123", 6},
      {"\"\\U0041\"", 1},
      {"\"a\nb\"", 2},
      {"\"a\tb\"", 2},
      {"\"\x1f\"", 1},
      {"\"\0\""s, 1},
      {"1\0"s, 1},
      {"\0"s, 0},
      {"\x0b"s, 0},
      {"\x0c"
       "1",
       0},
      {"\xc2\xa0"
       "1",
       0},
      {"\xef\xbb\xbf"
       "1",
       0},
      {"\xff\xfe"
       "1",
       0},
  };
  for (const auto& [text, offset] : cases) {
    const auto verdict = judge(text);
    EXPECT_FALSE(verdict.is_valid) << text;
    EXPECT_EQ(verdict.fault.offset, offset) << text << ": " << verdict.fault.what;
    EXPECT_STRNE(verdict.fault.what, "") << text;
  }
}

TEST(InvalidJson, Utf8ThatIsNoneIsRefusedWhereverItStands) {
  const std::string bad[] = {
      "\x80",  // continuation alone
      "\xbf",
      "\xc0\x80",  // overlong NUL
      "\xc1\xbf",
      "\xc2",  // cut
      "\xc2\x20",
      "\xc2\xc0",
      "\xe0\x80\x80",  // overlong
      "\xe0\x9f\xbf",
      "\xe1\x80",
      "\xe1\x80\xc0",
      "\xed\xa0\x80",  // surrogates
      "\xed\xbf\xbf",
      "\xf0\x80\x80\x80",  // overlong
      "\xf0\x8f\xbf\xbf",
      "\xf0\x90\x80",
      "\xf4\x90\x80\x80",  // beyond U+10FFFF
      "\xf5\x80\x80\x80",
      "\xfe",
      "\xff",
  };
  for (const auto& bytes : bad) {
    for (std::size_t before = 0; before < 40; ++before) {
      const auto text = "\"" + std::string(before, 'x') + bytes + "xxxxxxxxxxxxxxxxxxxxx\"";
      const auto verdict = judge(text);
      EXPECT_FALSE(verdict.is_valid) << before;
      EXPECT_EQ(verdict.fault.offset, before + 1);
      EXPECT_STREQ(verdict.fault.what, "invalid UTF-8");
    }
    EXPECT_FALSE(judge("\"\xd1\x8f" + bytes + "\"").is_valid);
    EXPECT_FALSE(judge("\"" + bytes).is_valid);
    EXPECT_FALSE(judge(bytes).is_valid);
  }
}

// Strings are read 16 and 8 bytes at a time: each special byte at each place, with each length after it.
TEST(Strings, EverySpecialByteIsSeenAtEveryPlace) {
  for (std::size_t before = 0; before < 40; ++before) {
    for (std::size_t after = 0; after < 40; ++after) {
      const std::string head = "\"" + std::string(before, 'a');
      const std::string tail = std::string(after, '~') + "\"";
      EXPECT_TRUE(judge(head + tail).is_valid);
      EXPECT_TRUE(judge(head + "\\n" + tail).is_valid);
      EXPECT_TRUE(judge(head + "\xd1\x8f" + tail).is_valid);
      EXPECT_FALSE(judge(head + "\n" + tail).is_valid);
      EXPECT_FALSE(judge(head + "\x1f" + tail).is_valid);
      EXPECT_FALSE(judge(head + "\x80" + tail).is_valid);
      EXPECT_FALSE(judge(head + "\"" + tail).is_valid);
    }
  }
}

TEST(Strings, OnlyControlsQuotesAndBackslashesAreSpecialInAscii) {
  for (int c = 0; c < 128; ++c) {
    const std::string text = "\"0123456789abcdef" + std::string(1, static_cast<char>(c)) + "0123456789abcdef\"";
    EXPECT_EQ(judge(text).is_valid, c >= 0x20 && c != '"' && c != '\\') << c;
  }
}

TEST(Nesting, BothSidesOfTheBound) {
  for (const int levels : {1, 2, 63, 64, 65, 127, 128}) {
    EXPECT_TRUE(judge(nested(levels), levels).is_valid) << levels;
    EXPECT_FALSE(judge(nested(levels + 1), levels).is_valid) << levels;
    EXPECT_TRUE(judge(nested(levels, R"({"a":)", "}", "1"), levels).is_valid) << levels;
    EXPECT_FALSE(judge(nested(levels + 1, R"({"a":)", "}", "1"), levels).is_valid) << levels;
  }
  EXPECT_TRUE(judge("1", 0).is_valid);
  EXPECT_FALSE(judge("[]", 0).is_valid);
  EXPECT_EQ(judge(nested(129)).fault.offset, 128u);
}

TEST(Nesting, TheBoundIsOfDepthNotOfCount) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "[[],{\"a\":{}}],";
  EXPECT_TRUE(judge(text + "1]").is_valid);
}

TEST(Nesting, HundredThousandLevelsAreRefusedAtOnce) {
  EXPECT_FALSE(judge(std::string(100'000, '[')).is_valid);
  EXPECT_FALSE(judge(nested(100'000)).is_valid);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(judge(objects).is_valid);
}

TEST(Nesting, KindsAreRememberedAtEveryLevel) {
  std::string open;
  std::string close;
  for (int i = 0; i < 128; ++i) {
    const bool is_object = (i * 7 + i / 5) % 3 == 0;
    open += is_object ? "{\"a\":" : "[";
    close.insert(0, is_object ? "}" : "]");
  }
  EXPECT_TRUE(judge(open + "1" + close).is_valid);
  for (std::size_t i = 0; i < close.size(); ++i) {
    auto wrong = close;
    wrong[i] = wrong[i] == '}' ? ']' : '}';
    EXPECT_FALSE(judge(open + "1" + wrong).is_valid) << i;
  }
}

TEST(LineBreaks, AreToldBetweenTokensOnly) {
  EXPECT_FALSE(judge("[1, 2]").traits.has_line_breaks);
  EXPECT_FALSE(judge("\"\\n\\r\"").traits.has_line_breaks);
  EXPECT_FALSE(judge("[1,\t2]").traits.has_line_breaks);
  for (const char* text :
       {"\n1", "1\r", "[\n]", "{\r}", "[1\n]", "[1,\n2]", "{\n\"a\":1}", "{\"a\"\n:1}", "{\"a\":\n1}"}) {
    EXPECT_TRUE(judge(text).traits.has_line_breaks) << text;
  }
}

TEST(Truncation, NoPrefixOfAnObjectIsValidAndNoneIsReadBeyondItsEnd) {
  const std::string text =
      R"({"account_id":12,"x":[true,false,null,-1.5e+10,"\u00e9\\ и 😀 long enough for sixteen bytes"],"d":{"a":{}}})";
  ASSERT_TRUE(judge(text).is_valid);
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(judge(text.substr(0, size)).is_valid) << size;
}

TEST(WriteString, EscapesWhatMustBe) {
  const auto write = [](std::string_view text) {
    std::string out = "x";
    append_json_string(out, text);
    return out.substr(1);
  };
  EXPECT_EQ(write(""), R"("")");
  EXPECT_EQ(write("plain"), R"("plain")");
  EXPECT_EQ(write("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(write("\n\r\t\b\f"s), R"("\n\r\t\u0008\u000c")");
  EXPECT_EQ(write("\0\x1f\x7f"s), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(write("\xd1\x8f\xf0\x9f\x98\x80"), "\"\xd1\x8f\xf0\x9f\x98\x80\"");
}

TEST(WriteString, WhatIsNoUtf8BecomesTheReplacementCharacter) {
  const auto write = [](std::string_view text) {
    const tracking::testing::ExactBytes bytes(text);
    std::string out;
    append_json_string(out, bytes.view());
    return out;
  };
  EXPECT_EQ(write("a\xff"
                  "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(write("\xc2"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(write("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char bytes[] = {static_cast<char>(first), static_cast<char>(second)};
      EXPECT_TRUE(judge(write({bytes, 2})).is_valid) << first << ' ' << second;
    }
  }
}

TEST(WriteDecimal, EveryLengthAndBothSidesOfEachPowerOfTen) {
  const auto write = [](std::uint64_t value) {
    char digits[20];
    return std::string(digits, write_decimal(digits, value));
  };
  EXPECT_EQ(write(0), "0");
  EXPECT_EQ(write(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  std::uint64_t power = 1;
  for (int i = 0; i < 20; ++i, power *= 10) {
    for (const std::uint64_t value : {power - 1, power, power + 1}) EXPECT_EQ(write(value), std::to_string(value));
  }
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t value = std::uint64_t{1} << bit;
    EXPECT_EQ(write(value), std::to_string(value));
    EXPECT_EQ(write(value - 1), std::to_string(value - 1));
  }
}

}  // namespace
}  // namespace tracking::codec
