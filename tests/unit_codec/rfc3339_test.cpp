#include "codec/rfc3339.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "unit_codec/exact_bytes.h"

namespace tracking::codec {
namespace {

using std::chrono::microseconds;

std::string text_of(std::int64_t time_us) {
  char text[rfc3339_size];
  EXPECT_EQ(write_rfc3339(text, Timestamp(microseconds(time_us))), text + rfc3339_size);
  return {text, sizeof text};
}

std::optional<std::int64_t> microseconds_of(std::string_view text) {
  const tracking::testing::ExactBytes bytes(text);
  const auto time = parse_rfc3339(bytes.view());
  return time ? std::optional(time->time_since_epoch().count()) : std::nullopt;
}

TEST(WriteTime, KnownTimes) {
  EXPECT_EQ(text_of(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(text_of(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(text_of(1'795'465'446'751'257), "2026-11-23T20:24:06.751257Z");
  EXPECT_EQ(text_of(951'782'400'000'000), "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(text_of(4'107'542'400'000'000), "2100-03-01T00:00:00.000000Z");
}

TEST(WriteTime, YearsThatHaveNoFourDigitsAreClamped) {
  EXPECT_EQ(text_of(-62'167'219'200'000'000), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(text_of(-62'167'219'200'000'001), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(text_of(253'402'300'799'999'999), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(text_of(253'402'300'800'000'000), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(text_of(std::numeric_limits<std::int64_t>::min()), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(text_of(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999999Z");
}

TEST(WriteTime, AnotherTimeOfTheSameSecondIsWhatTheWholeWouldBe) {
  for (const std::int64_t second : {-62'167'219'200LL, -1LL, 0LL, 1'795'465'446LL, 253'402'300'799LL}) {
    for (const std::int64_t us : {0, 1, 9, 10, 99'999, 100'000, 751'257, 999'999}) {
      std::string text = text_of(second * 1'000'000 + 123'456);
      rewrite_rfc3339_fraction(text.data(), Timestamp(microseconds(second * 1'000'000 + us)));
      EXPECT_EQ(text, text_of(second * 1'000'000 + us));
    }
  }
}

// Every day of the calendar, counted by hand.
TEST(Times, EveryDayOfTenThousandYearsIsWrittenAndReadRight) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::int64_t day_us = -62'167'219'200'000'000;
  for (int year = 0; year <= 9999; ++year) {
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= days[month - 1] + (month == 2 && is_leap); ++day, day_us += 86'400'000'000) {
        char expected[64];
        std::snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000000Z", year, month, day);
        ASSERT_EQ(text_of(day_us), expected);
        ASSERT_EQ(microseconds_of(expected), day_us);
      }
    }
  }
  EXPECT_EQ(day_us, 253'402'300'800'000'000);
}

TEST(Times, RandomTimesSurviveTheirText) {
  std::mt19937_64 random(3);
  std::uniform_int_distribution<std::int64_t> times(-62'167'219'200'000'000, 253'402'300'799'999'999);
  for (int i = 0; i < 200'000; ++i) {
    const auto time_us = times(random);
    ASSERT_EQ(microseconds_of(text_of(time_us)), time_us);
  }
}

TEST(ReadTime, AllFormsOfTheRfc) {
  const std::pair<const char*, std::int64_t> forms[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01t00:00:00z", 0},
      {"1970-01-01T00:00:00-00:00", 0},
      {"1970-01-01T00:00:00.1Z", 100'000},
      {"1970-01-01T00:00:00.000001Z", 1},
      {"1970-01-01T00:00:00.0000019Z", 1},
      {"1970-01-01T00:00:00.99999999999999999999999999999Z", 999'999},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1969-12-31T23:59:00-00:01", 0},
      {"1970-01-01T23:59:00+23:59", 0},
      {"1985-04-12T23:20:50.52Z", 482'196'050'520'000},    // RFC 3339, section 5.8
      {"1996-12-19T16:39:57-08:00", 851'042'397'000'000},  // the same
      {"1937-01-01T12:00:27.87+00:20", -1'041'337'172'130'000},
  };
  for (const auto& [text, time_us] : forms) EXPECT_EQ(microseconds_of(text), time_us) << text;
}

TEST(ReadTime, ALeapSecondIsTheFollowingSecond) {
  EXPECT_EQ(microseconds_of("1990-12-31T23:59:60Z"), microseconds_of("1991-01-01T00:00:00Z"));
  EXPECT_EQ(microseconds_of("1990-12-31T15:59:60-08:00"), microseconds_of("1991-01-01T00:00:00Z"));
  EXPECT_EQ(microseconds_of("2016-12-31T23:59:60.5Z"), microseconds_of("2017-01-01T00:00:00.5Z"));
  EXPECT_FALSE(microseconds_of("1990-12-30T23:59:60Z"));
  EXPECT_FALSE(microseconds_of("1990-12-31T22:59:60Z"));
  EXPECT_FALSE(microseconds_of("1990-12-31T23:58:60Z"));
  EXPECT_FALSE(microseconds_of("1990-12-31T23:59:61Z"));
  EXPECT_FALSE(microseconds_of("9999-12-31T23:59:60Z"));
}

TEST(ReadTime, BothEndsOfTheRange) {
  EXPECT_TRUE(microseconds_of("0000-01-01T00:00:00Z"));
  EXPECT_TRUE(microseconds_of("0000-01-01T00:00:00-00:01"));
  EXPECT_FALSE(microseconds_of("0000-01-01T00:00:00+00:01"));
  EXPECT_TRUE(microseconds_of("9999-12-31T23:59:59.999999Z"));
  EXPECT_TRUE(microseconds_of("9999-12-31T23:59:59+00:01"));
  EXPECT_FALSE(microseconds_of("9999-12-31T23:59:59-00:01"));
}

TEST(ReadTime, WhatIsNoTimeIsRefused) {
  for (const char* text : {
           "",
           "2026",
           "2026-11-23",
           "2026-11-23T20:24:06",
           "2026-11-23 20:24:06Z",
           "2026-11-23T20:24Z",
           "2026-11-23T20:24:06.Z",
           "2026-11-23T20:24:06,5Z",
           "2026-11-23T20:24:06+0100",
           "2026-11-23T20:24:06+01",
           "2026-11-23T20:24:06+24:00",
           "2026-11-23T20:24:06+01:60",
           "2026-11-23T20:24:06ZZ",
           "2026-11-23T20:24:06Z ",
           " 2026-11-23T20:24:06Z",
           "2026-11-23T24:00:00Z",
           "2026-11-23T20:60:00Z",
           "2026-00-23T20:24:06Z",
           "2026-13-23T20:24:06Z",
           "2026-11-00T20:24:06Z",
           "2026-11-31T20:24:06Z",
           "2026-02-29T20:24:06Z",
           "1900-02-29T20:24:06Z",
           "2026-1-23T20:24:06Z",
           "+2026-11-23T20:24:06Z",
           "-026-11-23T20:24:06Z",
           "12026-11-23T20:24:06Z",
           "2026-11-23T20:24:06.7512x7Z",
           "20261123T202406Z",
       }) {
    EXPECT_FALSE(microseconds_of(text)) << text;
  }
  EXPECT_TRUE(microseconds_of("2000-02-29T20:24:06Z"));
}

TEST(ReadTime, ManyFractionDigitsAreReadInPassing) {
  EXPECT_EQ(microseconds_of("1970-01-01T00:00:00.5" + std::string(100'000, '9') + "Z"), 599'999);
}

}  // namespace
}  // namespace tracking::codec
