#include "codec/event_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "unit_codec/decode.h"

namespace tracking::codec {
namespace {

using namespace std::string_literals;
using tracking::testing::Decoded;

std::string with_account_id(std::string_view value) {
  return R"({"account_id":)" + std::string(value) + R"(,"data":"foo"})";
}
std::string with_data(std::string_view value) { return R"({"account_id":1,"data":)" + std::string(value) + "}"; }
std::string with(std::string_view members) { return R"({"account_id":1,"data":"foo",)" + std::string(members) + "}"; }

void expect_fault(const std::string& text, Code code, std::string_view member, std::size_t offset) {
  const Decoded decoded(text);
  EXPECT_FALSE(decoded.is_ok) << text.substr(0, 200);
  EXPECT_EQ(decoded.fault.code, code) << text.substr(0, 200) << ": " << decoded.fault.detail();
  EXPECT_EQ(decoded.fault.member, member) << text.substr(0, 200);
  EXPECT_EQ(decoded.fault.offset, offset) << text.substr(0, 200);
  EXPECT_STRNE(decoded.fault.what, "");
}

TEST(DecodeEvent, TheExample) {
  const Decoded decoded(R"({"account_id":1,"data":"foo"})");
  ASSERT_TRUE(decoded.is_ok) << decoded.fault.detail();
  EXPECT_EQ(decoded.event.account_id, 1);
  EXPECT_EQ(decoded.event.data.json(), R"("foo")");
  EXPECT_TRUE(decoded.event.data.is_trusted());
  EXPECT_EQ(decoded.event.id, "");
  EXPECT_FALSE(decoded.event.occurred_at);
}

TEST(DecodeEvent, AllMembersInAnyOrderWithSpaceAnywhere) {
  const Decoded decoded(
      " \t\r\n{ \"data\" : {\"a\" : [1, 2]} , \"occurred_at\" : \"2026-11-23T21:24:06.5+01:00\" ,\n"
      " \"id\" : \"a.B_9:-\" , \"account_id\" : 7 } \n");
  ASSERT_TRUE(decoded.is_ok) << decoded.fault.detail();
  EXPECT_EQ(decoded.event.account_id, 7);
  EXPECT_EQ(decoded.event.data.json(), R"({"a" : [1, 2]})");
  EXPECT_EQ(decoded.event.id, "a.B_9:-");
  EXPECT_EQ(decoded.event.occurred_at, Timestamp(std::chrono::microseconds(1'795'465'446'500'000)));
}

TEST(DecodeEvent, AnEventObjectIsReusedClean) {
  Event event;
  DecodeFault fault;
  auto full = with(R"("id":"x","occurred_at":"2026-11-23T20:24:06Z")");
  ASSERT_TRUE(decode_event(full.data(), full.size(), 100, event, fault));
  auto wrong = "["s;
  ASSERT_FALSE(decode_event(wrong.data(), wrong.size(), 100, event, fault));
  auto plain = with_data("1");
  ASSERT_TRUE(decode_event(plain.data(), plain.size(), 100, event, fault));
  EXPECT_EQ(fault.code, Code::ok);
  EXPECT_EQ(event.id, "");
  EXPECT_FALSE(event.occurred_at);
}

TEST(AccountId, EveryIntegerFromOneToTwoToThe63LessOne) {
  for (const AccountId id :
       {std::int64_t{1}, std::int64_t{9}, std::int64_t{10}, std::int64_t{9007199254740993},
        std::int64_t{999999999999999999}, std::int64_t{1000000000000000000}, std::int64_t{9223372036854775807}}) {
    const Decoded decoded(with_account_id(std::to_string(id)));
    ASSERT_TRUE(decoded.is_ok) << decoded.fault.detail();
    EXPECT_EQ(decoded.event.account_id, id);
  }
}

TEST(AccountId, AnythingElseIsRefusedByNameAndPlace) {
  for (const auto& value : {"0"s,
                            "-1"s,
                            "-0"s,
                            "1.0"s,
                            "1e3"s,
                            "1E0"s,
                            "0.0"s,
                            "\"1\""s,
                            "null"s,
                            "true"s,
                            "[]"s,
                            "[1]"s,
                            "{}"s,
                            "\"\""s,
                            "9223372036854775808"s,
                            "9999999999999999999"s,
                            "10000000000000000000"s,
                            "18446744073709551616"s,
                            "18446744073709551617"s,
                            "1e400"s,
                            "-9223372036854775808"s,
                            std::string(10'000, '1'),
                            "1" + std::string(10'000, '0'),
                            "1." + std::string(10'000, '0')}) {
    expect_fault(with_account_id(value), Code::invalid_event, "account_id", 14);
  }
}

TEST(AccountId, WhatIsNoJsonNumberIsMalformed) {
  const std::pair<std::string, std::size_t> cases[] = {{"01", 14}, {"00", 14},  {"-01", 15}, {"+1", 14},
                                                       {"1.", 16}, {"1e", 16},  {"0x1", 15}, {"-", 15},
                                                       {"", 14},   {"NaN", 14}, {"1 2", 16}, {"1a", 15}};
  for (const auto& [value, offset] : cases) {
    const Decoded decoded(with_account_id(value));
    EXPECT_EQ(decoded.fault.code, Code::malformed_json) << value;
    EXPECT_EQ(decoded.fault.offset, offset) << value << ": " << decoded.fault.detail();
  }
}

TEST(Members, MissingOnesAreNamed) {
  expect_fault("{}", Code::invalid_event, "account_id", 1);
  expect_fault(R"({"data":1})", Code::invalid_event, "account_id", 9);
  expect_fault(R"({"account_id":1})", Code::invalid_event, "data", 15);
  expect_fault(R"({"Account_id":1,"data":1})", Code::invalid_event, "account_id", 24);
  expect_fault(R"({"x":{"account_id":1},"data":1})", Code::invalid_event, "account_id", 30);
}

TEST(Members, OthersAreIgnored) {
  for (const char* members : {R"("x":1)", R"("x":{"account_id":2,"account_id":3})", R"("":null,"DATA":[1,[2]])",
                              R"("timestamp":"now","producer":1,"sequence":-1)", R"("\u0000":1,"\ud800":2)"}) {
    const Decoded decoded(with(members));
    EXPECT_TRUE(decoded.is_ok) << decoded.fault.detail();
    EXPECT_EQ(decoded.event.data.json(), R"("foo")");
  }
}

TEST(Members, OthersAreValidated) {
  for (const char* members : {R"("x":01)", R"("x":"\x")", R"("x":[1,])", "\"x\":\"\xff\"", "\"x\":\"\n\"", R"("\x":1)",
                              "\"\xff\":1", R"("x" 1)", R"("x":)", R"("x":1,)"}) {
    EXPECT_EQ(Decoded(with(members)).fault.code, Code::malformed_json) << members;
  }
}

TEST(Members, RepeatedOnesAreNamed) {
  expect_fault(R"({"account_id":1,"account_id":1,"data":1})", Code::invalid_event, "account_id", 17);
  expect_fault(R"({"account_id":1,"data":1,"data":1})", Code::invalid_event, "data", 26);
  expect_fault(with(R"("id":"a","id":"a")"), Code::invalid_event, "id", 39);
  expect_fault(with(R"("occurred_at":"2026-11-23T20:24:06Z","occurred_at":"2026-11-23T20:24:06Z")"),
               Code::invalid_event, "occurred_at", 67);
  expect_fault(with(R"("x":1,"y":2,"x":1)"), Code::invalid_event, "x", 42);
  expect_fault(with(R"("":1,"":2)"), Code::invalid_event, "", 35);
}

TEST(Members, RepeatedOnesAreSeenThroughEscapes) {
  expect_fault(R"({"account_id":1,"\u0061ccount_id":1,"data":1})", Code::invalid_event, "account_id", 17);
  expect_fault(R"({"account_id":1,"data":1,"d\u0061ta":1})", Code::invalid_event, "data", 26);
  expect_fault(with(R"("id":"a","\u0069d":"b")"), Code::invalid_event, "id", 39);
  expect_fault(with(R"("\u0078":1,"x":2)"), Code::invalid_event, "x", 41);
  expect_fault(with(R"("a/b":1,"a\/b":2)"), Code::invalid_event, R"(a\/b)", 38);
  expect_fault(with(R"("\n":1,"\u000A":2)"), Code::invalid_event, R"(\u000A)", 37);
  expect_fault(with("\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2"), Code::invalid_event, R"(\ud83d\ude00)", 39);
  expect_fault(with("\"\xc3\xa9\":1,\"\\u00E9\":2"), Code::invalid_event, R"(\u00E9)", 37);
  expect_fault(with("\"\xe2\x82\xac\":1,\"\\u20ac\":2"), Code::invalid_event, R"(\u20ac)", 38);
  expect_fault(with(R"("\ud800":1,"\uD800":2)"), Code::invalid_event, R"(\uD800)", 41);
}

TEST(Members, NamesThatOnlyLookAlikeAreDifferent) {
  for (const char* members : {R"("x":1,"X":2)", R"("x":1,"x ":2)", R"("x":1,"x\u0000":2)", R"("\ud800":1,"\ud801":2)",
                              R"("\\u0078":1,"x":2)", R"("ID":1,"Id":2)", R"("":1,"\u0000":2)"}) {
    EXPECT_TRUE(Decoded(with(members)).is_ok) << members;
  }
}

TEST(Members, EscapedNamesMeanTheirMembers) {
  const Decoded decoded(R"({"\u0061ccount\u005fid":5,"\u0064\u0061\u0074\u0061":[1],"\u0069d":"z"})");
  ASSERT_TRUE(decoded.is_ok) << decoded.fault.detail();
  EXPECT_EQ(decoded.event.account_id, 5);
  EXPECT_EQ(decoded.event.data.json(), "[1]");
  EXPECT_EQ(decoded.event.id, "z");
}

TEST(Members, SixtyFourOthersAreTakenAndNoMore) {
  std::string members;
  for (int i = 0; i < 64; ++i) members += (i ? ",\"" : "\"") + std::to_string(i) + "\":null";
  EXPECT_TRUE(Decoded(with(members)).is_ok);
  EXPECT_EQ(Decoded(with(members + ",\"63\":1")).fault.code, Code::invalid_event);
  const Decoded decoded(with(members + ",\"64\":1"));
  EXPECT_EQ(decoded.fault.code, Code::invalid_event);
  EXPECT_NE(decoded.fault.detail().find("64"), std::string::npos);
}

TEST(Id, EveryCharacterAndBothSidesOfEachLength) {
  const std::string characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  for (int c = 1; c < 128; ++c) {
    const std::string id(1, static_cast<char>(c));
    EXPECT_EQ(is_event_id(id), characters.find(static_cast<char>(c)) != std::string::npos) << c;
  }
  EXPECT_FALSE(is_event_id(""));
  EXPECT_TRUE(is_event_id(std::string(64, 'x')));
  EXPECT_FALSE(is_event_id(std::string(65, 'x')));
  EXPECT_FALSE(is_event_id("a\0"s));
  EXPECT_TRUE(Decoded(with("\"id\":\"" + std::string(64, 'x') + "\"")).is_ok);
  expect_fault(with("\"id\":\"" + std::string(65, 'x') + "\""), Code::invalid_event, "id", 34);
}

TEST(Id, WrongOnesAreRefused) {
  for (const char* value : {"\"\"", "1", "null", "[]", "{}", "true", "\"a b\"", "\"a/b\"", "\"\xc3\xa9\"",
                            R"("\u00e9")", R"("\u0000")", R"("a\nb")", R"("\"")"}) {
    expect_fault(with("\"id\":" + std::string(value)), Code::invalid_event, "id", 34);
  }
}

TEST(Id, WrittenWithEscapesIsUnescapedInPlace) {
  const Decoded decoded(with(R"("id":"\u0061-\u0042\u002e\u0031")"));
  ASSERT_TRUE(decoded.is_ok) << decoded.fault.detail();
  EXPECT_EQ(decoded.event.id, "a-B.1");
  EXPECT_EQ(decoded.event.data.json(), R"("foo")");
}

TEST(OccurredAt, MustBeARfc3339Time) {
  EXPECT_TRUE(Decoded(with(R"("occurred_at":"2026-11-23T20:24:06Z")")).is_ok);
  EXPECT_TRUE(Decoded(with(R"("occurred_at":"2026-11-23\u005420:24:06Z")")).is_ok);
  for (const char* value : {"null", "1795465446", "\"\"", "\"now\"", "\"2026-11-23\"", "\"2026-02-30T00:00:00Z\"", "[]",
                            "true", "\"9999-12-31T23:59:59-00:01\""}) {
    expect_fault(with("\"occurred_at\":" + std::string(value)), Code::invalid_event, "occurred_at", 43);
  }
}

TEST(DataMember, EveryLegalValueIsKeptByteForByte) {
  for (const auto& value :
       {"null"s, "0"s, "-0"s, "1e400"s, "0.0000000000001e-2147483639"s, std::string(10'000, '9'), "9007199254740993"s,
        R"("\ud800")"s, R"("\u0000")"s, R"({"a":1,"a":2})"s, R"("\u001b]52;c;\u0007")"s,
        "\"\xe2\x80\xa8\xe2\x80\xae\""s, "[1 ,\t2]"s, R"({"account_id":2,"data":3})"s, "\"\""s, "[]"s, "{}"s}) {
    const Decoded decoded(with_data(value));
    EXPECT_TRUE(decoded.is_ok) << value.substr(0, 50) << ": " << decoded.fault.detail();
    EXPECT_EQ(decoded.event.data.json(), value);
  }
}

TEST(DataMember, RawLineBreaksBetweenTokensBecomeSpaces) {
  const std::string text = "{\n\"account_id\":1,\r\n\"data\": \r\n[1,\r\n {\"a\"\n:\n\"\\n\"}\r]\n}\n";
  const Decoded decoded(text);
  ASSERT_TRUE(decoded.is_ok) << decoded.fault.detail();
  EXPECT_EQ(decoded.event.data.json(), "[1,   {\"a\" : \"\\n\"} ]");
  EXPECT_EQ(decoded.bytes.view().substr(0, 18), text.substr(0, 18));
}

TEST(DataMember, BothSidesOfItsLimit) {
  const auto data = "\"" + std::string(98, 'x') + "\"";
  EXPECT_TRUE(Decoded(with_data(data), 100).is_ok);
  const Decoded decoded(with_data(data), 99);
  EXPECT_EQ(decoded.fault.code, Code::too_large);
  EXPECT_EQ(decoded.fault.member, "data");
  EXPECT_EQ(decoded.fault.offset, 23u);
}

TEST(DataMember, TheLimitDoesNotCountSpaceAroundIt) { EXPECT_TRUE(Decoded(with_data("    1    "), 1).is_ok); }

TEST(Nesting, TheEventObjectIsLevelOne) {
  EXPECT_TRUE(Decoded(with_data(std::string(127, '[') + std::string(127, ']'))).is_ok);
  expect_fault(with_data(std::string(128, '[') + std::string(128, ']')), Code::malformed_json, "data", 23 + 127);
  EXPECT_TRUE(Decoded(with("\"x\":" + std::string(127, '[') + std::string(127, ']'))).is_ok);
  EXPECT_FALSE(Decoded(with("\"x\":" + std::string(128, '[') + std::string(128, ']'))).is_ok);
  EXPECT_EQ(Decoded(with_data(std::string(100'000, '['))).fault.code, Code::malformed_json);
  EXPECT_EQ(Decoded(std::string(100'000, '{')).fault.code, Code::malformed_json);
  EXPECT_EQ(Decoded(std::string(100'000, '[')).fault.code, Code::malformed_json);
}

TEST(DecodeEvent, WhatIsNoJsonIsMalformedWithItsPlace) {
  const std::pair<std::string, std::size_t> cases[] = {
      {"", 0},
      {" ", 1},
      {"{", 1},
      {"foo", 0},
      {"\xef\xbb\xbf"
       R"({"account_id":1,"data":1})",
       0},
      {R"({"account_id":1,"data":"foo"}x)", 29},
      {R"({"account_id":1,"data":"foo"}})", 29},
      {R"({"account_id":1,"data":"foo"}{)", 29},
      {R"({"account_id":1,"data":"foo"})"s + '\0', 29},
      {R"({"account_id":1,"data":"foo",})", 29},
      {R"({"account_id":1 "data":"foo"})", 16},
      {R"({"account_id":1,"data":NaN})", 23},
      {R"({"account_id":1,"data":Infinity})", 23},
      {R"({"account_id":1,"data":'foo'})", 23},
      {R"({"account_id":1,"data":"fo)"s + '\0' + "\"}", 26},
      {R"({"account_id":1,"data":"fo)"s + '\n' + "\"}", 26},
      {R"({"account_id":1,"data":"fo)"s + '\x1b' + "\"}", 26},
      {"{\"account_id\":1,\"data\":\"fo\xff\"}", 26},
      {"{\"account_id\":1,\"data\":\"fo\xc3\"}", 26},
      {R"({"account_id":1,"data":"foo")", 28},
      {R"({"account_id":1,"data":"foo)", 27},
      {R"({account_id:1})", 1},
      {R"([{"account_id":1,"data":1})", 26},
  };
  for (const auto& [text, offset] : cases) {
    const Decoded decoded(text);
    EXPECT_EQ(decoded.fault.code, Code::malformed_json) << text << ": " << decoded.fault.detail();
    EXPECT_EQ(decoded.fault.offset, offset) << text << ": " << decoded.fault.detail();
  }
}

TEST(DecodeEvent, JsonThatIsNoObjectIsNoEvent) {
  for (const char* text : {"null", "1", "\"a\"", "[]", R"([{"account_id":1,"data":1}])", " true"}) {
    const Decoded decoded(text);
    EXPECT_EQ(decoded.fault.code, Code::invalid_event) << text;
    EXPECT_EQ(decoded.fault.member, "");
  }
}

TEST(DecodeEvent, ASyntaxErrorOutweighsAWrongMemberBeforeIt) {
  expect_fault(R"({"account_id":0,"data":1}])", Code::malformed_json, "", 25);
  expect_fault(R"({"account_id":0,"data":[1,]})", Code::malformed_json, "data", 26);
}

TEST(DecodeEvent, TheFirstWrongMemberIsTold) {
  expect_fault(R"({"id":"","account_id":0,"data":1})", Code::invalid_event, "id", 6);
  expect_fault(R"({"account_id":"1","id":""})", Code::invalid_event, "account_id", 14);
}

TEST(DecodeEvent, NoPrefixIsAnEventAndNoneIsReadBeyondItsEnd) {
  const std::string text =
      R"({"account_id":12345678901,"data":{"a":["é",1.5e3]},"id":"\u0061bc","occurred_at":"2026-11-23T20:24:06Z","x":1})";
  ASSERT_TRUE(Decoded(text).is_ok);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(Decoded(text.substr(0, size)).fault.code, Code::malformed_json) << size;
  }
}

TEST(Detail, NamesMemberAndPlace) {
  EXPECT_EQ(Decoded(with_account_id("1.0")).fault.detail(),
            "account_id: must be an integer from 1 to 9223372036854775807 (byte 14)");
  EXPECT_EQ(Decoded(with(R"("x":1,"x":2)")).fault.detail(), "x: must not be repeated (byte 36)");
  EXPECT_EQ(Decoded("[1,2").fault.detail(), "unexpected end of the text (byte 4)");
}

TEST(Detail, LongNamesAreCutBetweenCharacters) {
  std::string name = "a";
  for (int i = 0; i < 40; ++i) name += "\xd1\x8f";
  const auto detail = Decoded(with("\"" + name + "\":1,\"" + name + "\":2")).fault.detail();
  EXPECT_EQ(detail.substr(0, 63 + 5), name.substr(0, 63) + "...: ");
}

}  // namespace
}  // namespace tracking::codec
