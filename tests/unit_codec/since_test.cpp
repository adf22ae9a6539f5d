#include <tracking/subscription.h>

#include <gtest/gtest.h>

namespace tracking {
namespace {

using namespace std::chrono_literals;
using Kind = StartPoint::Kind;

constexpr Timestamp now(std::chrono::microseconds(1'795'465'446'751'257));

StartPoint start(const char* since) { return parse_since(since, now).value(); }

TEST(Since, NowIsTheDefault) {
  EXPECT_EQ(start("").kind, Kind::now);
  EXPECT_EQ(start("now").kind, Kind::now);
}

TEST(Since, AllIsAll) { EXPECT_EQ(start("all").kind, Kind::all); }

TEST(Since, DurationsCountBackFromNow) {
  EXPECT_EQ(start("0s").time, now);
  EXPECT_EQ(start("30s").time, now - 30s);
  EXPECT_EQ(start("10m").time, now - 10min);
  EXPECT_EQ(start("2h").time, now - 2h);
  EXPECT_EQ(start("7d").time, now - 7 * 24h);
  EXPECT_EQ(start("7d").kind, Kind::time);
}

TEST(Since, TimesAreTakenAsTheyAre) {
  EXPECT_EQ(start("2026-11-23T20:24:06.751257Z").time, now);
  EXPECT_EQ(start("2026-11-23T21:24:06.751257+01:00").time, now);
  EXPECT_EQ(start("2026-11-23T20:24:06.751257Z").kind, Kind::time);
}

TEST(Since, CursorsAreRead) {
  const Cursor cursor{.incarnation = 1, .position = 2, .timestamp = now, .id_hash = 3};
  const auto read = start(to_text(cursor).c_str());
  EXPECT_EQ(read.kind, Kind::cursor);
  EXPECT_EQ(read.cursor, cursor);
}

TEST(Since, UnreadableCursorsAreNoErrorButSaidToBeUnreadable) {
  for (const char* text : {"c_", "c_x", "c_AQAAAAAAAAABAAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAEH_EN"}) {
    EXPECT_EQ(start(text).kind, Kind::unreadable_cursor) << text;
  }
}

TEST(Since, ADurationThatNoClockCanCountIsRefused) {
  EXPECT_TRUE(parse_since("9223372036854s", Timestamp{}).is_ok());  // 2^63 microseconds are 9223372036854.775807 s
  for (const char* text : {"9223372036855s", "153722867281m", "2562047789h", "106751992d", "9223372036854775808s",
                           "99999999999999999999999999999999s"}) {
    EXPECT_EQ(parse_since(text, Timestamp{}).code(), Code::invalid_parameter) << text;
  }
  // Not too long by itself, but back from a time before 1970.
  EXPECT_EQ(parse_since("9223372036854s", Timestamp(-1s)).code(), Code::invalid_parameter);
}

TEST(Since, AnythingElseIsRefusedAndSaysWhatIsTaken) {
  for (const char* text : {"s", "1", "-1s", "+1s", "1.5h", "1w", "1S", " 1s", "1s ", "1ms", "yesterday", "NOW", "C_x",
                           "2026-11-23", "2026-11-23T20:24:06", "2026-02-30T00:00:00Z"}) {
    const auto result = parse_since(text, now);
    EXPECT_EQ(result.code(), Code::invalid_parameter) << text;
    EXPECT_NE(result.error().message().find("RFC 3339"), std::string::npos);
  }
}

}  // namespace
}  // namespace tracking
