#include "codec/event_line.h"

#include <gtest/gtest.h>
#include <tracking/subscription.h>

#include <limits>
#include <random>
#include <string>

#include "unit_codec/exact_bytes.h"

namespace tracking::codec {
namespace {

constexpr const char* time_text = "2026-11-23T20:24:06.751257Z";
constexpr const char* earlier_text = "2026-11-22T00:00:00.000001Z";
constexpr Timestamp time(std::chrono::microseconds(1'795'465'446'751'257));

EventLineParts example() {
  return {.id = "01936f5e-8c1a-7cc3-98c4-dc0c0c07398f",
          .account_id = 1,
          .timestamp = time_text,
          .occurred_at = nullptr,
          .producer = "5zq0w9c1",
          .sequence = 42,
          .data = R"("foo")"};
}

// In memory of exactly the size that is promised to be enough.
std::string line_of(const EventLineParts& parts) {
  tracking::testing::ExactBytes room(std::string(event_line_bytes_max(parts.data.size()), '?'));
  return {room.data(), write_event_line(room.data(), parts)};
}

std::optional<EventFields> parse(const tracking::testing::ExactBytes& line) { return parse_event_line(line.view()); }

bool is_line(std::string_view text) { return parse(tracking::testing::ExactBytes(text)).has_value(); }

std::string line_with(std::string_view members) { return "{" + std::string(members) + R"("data":1})"; }
constexpr std::string_view needed = R"("id":"a","account_id":1,"timestamp":"2026-11-23T20:24:06Z",)";

TEST(WriteLine, TheExample) {
  EXPECT_EQ(line_of(example()),
            R"({"id":"01936f5e-8c1a-7cc3-98c4-dc0c0c07398f","account_id":1,"timestamp":"2026-11-23T20:24:06.751257Z",)"
            R"("producer":"5zq0w9c1","sequence":42,"data":"foo"})");
}

TEST(WriteLine, OccurredAtFollowsTheTimestamp) {
  auto parts = example();
  parts.occurred_at = earlier_text;
  EXPECT_NE(line_of(parts).find(
                R"("timestamp":"2026-11-23T20:24:06.751257Z","occurred_at":"2026-11-22T00:00:00.000001Z","producer")"),
            std::string::npos);
}

TEST(WriteLine, TheLongestOfEverythingFits) {
  const std::string id(EventId::bytes_max, 'i');
  const std::string producer(producer_bytes_max, 'p');
  const std::string data = "\"" + std::string(100'000, 'd') + "\"";
  const auto line = line_of({.id = id,
                             .account_id = std::numeric_limits<AccountId>::max(),
                             .timestamp = time_text,
                             .occurred_at = earlier_text,
                             .producer = producer,
                             .sequence = std::numeric_limits<std::uint64_t>::max(),
                             .data = data});
  const tracking::testing::ExactBytes bytes(line);
  const auto fields = parse(bytes);
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->id, id);
  EXPECT_EQ(fields->account_id, std::numeric_limits<AccountId>::max());
  EXPECT_EQ(fields->producer, producer);
  EXPECT_EQ(fields->sequence, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(fields->data, data);
}

TEST(Lines, EverySizeOfEachPieceSurvives) {
  std::mt19937_64 random(4);
  for (std::size_t size = 1; size < 200; ++size) {
    const std::string id(std::min<std::size_t>(size, 64), 'i');
    const std::string producer(std::min(size, producer_bytes_max), 'p');
    std::string data(size, '7');
    const std::uint64_t sequence = random() >> random() % 64 | 1;
    const auto account_id = static_cast<AccountId>(random() >> (1 + random() % 63) | 1);
    const tracking::testing::ExactBytes line(line_of({.id = id,
                                                      .account_id = account_id,
                                                      .timestamp = time_text,
                                                      .occurred_at = size % 2 ? earlier_text : nullptr,
                                                      .producer = producer,
                                                      .sequence = sequence,
                                                      .data = data}));
    const auto fields = parse(line);
    ASSERT_TRUE(fields) << line.view();
    EXPECT_EQ(fields->id, id);
    EXPECT_EQ(fields->account_id, account_id);
    EXPECT_EQ(fields->timestamp, time);
    EXPECT_EQ(fields->occurred_at.has_value(), size % 2 == 1);
    EXPECT_EQ(fields->producer, producer);
    EXPECT_EQ(fields->sequence, sequence);
    EXPECT_EQ(fields->data, data);
  }
}

TEST(ParseLine, NoPrefixOfALineIsOne) {
  auto parts = example();
  parts.occurred_at = earlier_text;
  const auto line = line_of(parts);
  for (std::size_t size = 0; size < line.size(); ++size) EXPECT_FALSE(is_line(line.substr(0, size))) << size;
  EXPECT_TRUE(is_line(line));
}

TEST(ParseLine, OthersMayWriteItTheirWay) {
  const tracking::testing::ExactBytes line(
      R"({ "account_id" : 7, "x":{"id":[1]}, "timestamp":"2026-11-23T21:24:06.751257+01:00" , "id":"a", "data": {"b":1} })");
  const auto fields = parse(line);
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->id, "a");
  EXPECT_EQ(fields->account_id, 7);
  EXPECT_EQ(fields->timestamp, time);
  EXPECT_EQ(fields->data, R"({"b":1})");
  EXPECT_EQ(fields->producer, "");
  EXPECT_EQ(fields->sequence, 0u);
}

TEST(ParseLine, ProducerAndSequenceCountOnlyTogether) {
  for (const char* one : {R"("producer":"p",)", R"("sequence":5,)"}) {
    const tracking::testing::ExactBytes line(line_with(std::string(needed) + one));
    const auto fields = parse(line);
    ASSERT_TRUE(fields) << one;
    EXPECT_EQ(fields->producer, "");
    EXPECT_EQ(fields->sequence, 0u);
  }
}

TEST(ParseLine, WhatLacksAMemberIsNone) {
  EXPECT_TRUE(is_line(line_with(needed)));
  EXPECT_FALSE(is_line(R"({"data":1})"));
  EXPECT_FALSE(is_line(line_with(R"("account_id":1,"timestamp":"2026-11-23T20:24:06Z",)")));
  EXPECT_FALSE(is_line(line_with(R"("id":"a","timestamp":"2026-11-23T20:24:06Z",)")));
  EXPECT_FALSE(is_line(line_with(R"("id":"a","account_id":1,)")));
  EXPECT_FALSE(is_line(R"({"id":"a","account_id":1,"timestamp":"2026-11-23T20:24:06Z"})"));
}

TEST(ParseLine, DataMustBeTheLastMember) {
  EXPECT_FALSE(is_line(R"({"id":"a","account_id":1,"timestamp":"2026-11-23T20:24:06Z","data":1,"x":2})"));
  EXPECT_FALSE(is_line(R"({"data":1,"id":"a","account_id":1,"timestamp":"2026-11-23T20:24:06Z"})"));
  EXPECT_FALSE(is_line(line_with(std::string(needed) + R"("data":2,)")));
}

TEST(ParseLine, MembersOfTheWrongKindOrTwiceAreNone) {
  for (const char* member :
       {R"("id":"b",)", R"("account_id":1,)", R"("timestamp":"2026-11-23T20:24:06Z",)", R"("sequence":0,)",
        R"("sequence":-1,)", R"("sequence":1.0,)", R"("sequence":"1",)", R"("sequence":18446744073709551616,)",
        R"("producer":"",)", R"("producer":1,)", R"("producer":"a b",)", R"("producer":"p","producer":"p",)",
        R"("occurred_at":"x",)", R"("occurred_at":null,)", R"("sequence":1,"sequence":1,)"}) {
    EXPECT_FALSE(is_line(line_with(std::string(needed) + member))) << member;
  }
  for (const char* members :
       {R"("id":1,"account_id":1,"timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"","account_id":1,"timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"a b","account_id":1,"timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"a","account_id":0,"timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"a","account_id":1.0,"timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"a","account_id":"1","timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"a","account_id":9223372036854775808,"timestamp":"2026-11-23T20:24:06Z",)",
        R"("id":"a","account_id":1,"timestamp":"yesterday",)", R"("id":"a","account_id":1,"timestamp":1795465446,)"}) {
    EXPECT_FALSE(is_line(line_with(members))) << members;
  }
}

TEST(ParseLine, MembersInDisguiseAreNone) {
  EXPECT_TRUE(is_line(line_with(std::string(needed) + R"("\u00e9t\u00e9":1,)")));
  for (const char* member : {R"("\u0069d":"b",)", R"("d\u0061ta":2,)", R"("\u0073equence":1,)"}) {
    EXPECT_FALSE(is_line(line_with(std::string(needed) + member))) << member;
  }
}

TEST(ParseLine, MustBeOneLineOfJsonAndNothingElse) {
  const std::string line = line_with(needed);
  for (const auto& text : {line + "\n", line + " ", " " + line, line + "x", "\xef\xbb\xbf" + line, std::string(),
                           std::string("{"), std::string("[]"), std::string("{}"), "[" + line + "]"}) {
    EXPECT_FALSE(is_line(text)) << text;
  }
  for (std::size_t i = 0; i < line.size(); ++i) {
    auto broken = line;
    broken.insert(i, "\n");
    EXPECT_FALSE(is_line(broken)) << broken;
  }
  EXPECT_FALSE(is_line("{" + std::string(needed) + "\"data\":\"\xff\"}"));
  EXPECT_FALSE(is_line("{" + std::string(needed) + "\"data\":01}"));
  EXPECT_FALSE(is_line("{" + std::string(needed) + "\"x\":\"\x01\",\"data\":1}"));
}

TEST(ParseLine, NestingIsBounded) {
  const auto data = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(is_line("{" + std::string(needed) + "\"data\":" + data(127) + "}"));
  EXPECT_FALSE(is_line("{" + std::string(needed) + "\"data\":" + data(128) + "}"));
  EXPECT_FALSE(is_line("{" + std::string(needed) + "\"data\":" + std::string(100'000, '[')));
}

}  // namespace
}  // namespace tracking::codec
