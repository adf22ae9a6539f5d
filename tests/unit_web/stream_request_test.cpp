// What GET /v1/events may be asked for.
#include <gtest/gtest.h>
#include <tracking/web.h>

namespace tracking::web {
namespace {

using std::chrono::microseconds;

const Timestamp now(microseconds(1'764'000'000'000'000));

Result<StreamRequest> parse(std::string_view query, std::string_view accept = {}, std::string_view last = {}) {
  return parse_stream_request(query, accept, last, now);
}

TEST(StreamRequest, WithoutAnythingIsEveryAccountFromNow) {
  const auto request = parse("");
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->options.account_ids.empty());
  EXPECT_EQ(request->options.since.text(), "");
  EXPECT_FALSE(request->options.tail);
  EXPECT_TRUE(request->options.follow);
  EXPECT_EQ(request->options.limit, 0u);
  EXPECT_FALSE(request->is_sse);
}

TEST(StreamRequest, TakesAllParameters) {
  const auto request = parse("account_id=3,1&account_id=1%2C9223372036854775807&since=all&tail=5&limit=7&follow=false");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->options.account_ids, (std::vector<AccountId>{1, 3, 9223372036854775807}));
  EXPECT_EQ(request->options.since.text(), "all");
  EXPECT_EQ(request->options.tail, 5u);
  EXPECT_EQ(request->options.limit, 7u);
  EXPECT_FALSE(request->options.follow);
}

TEST(StreamRequest, TakesEveryFormOfSince) {
  const std::string cursor = to_text(Cursor{.incarnation = 1, .position = 2, .timestamp = now, .id_hash = 3});
  for (const std::string& since : {std::string("now"), std::string("all"), cursor, std::string("2026-11-23T20:24:06Z"),
                                   std::string("2026-11-23T21:24:06.5%2B01:00"), std::string("30s"), std::string("10m"),
                                   std::string("2h"), std::string("7d"), std::string("c_broken")}) {
    EXPECT_TRUE(parse("since=" + since)) << since;
  }
  EXPECT_EQ(parse("since=2026-11-23T21:24:06+01:00")->options.since.text(), "2026-11-23T21:24:06+01:00");
}

TEST(StreamRequest, NamesTheParameterThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"account_id=", "account_id"},
      {"account_id=0", "account_id"},
      {"account_id=-1", "account_id"},
      {"account_id=1,", "account_id"},
      {"account_id=1,,2", "account_id"},
      {"account_id=+1", "account_id"},
      {"account_id=9223372036854775808", "account_id"},
      {"account_id=x", "account_id"},
      {"since=", "since"},
      {"since=yesterday", "since"},
      {"since=10", "since"},
      {"since=now&since=now", "since"},
      {"tail=", "tail"},
      {"tail=-1", "tail"},
      {"tail=1.5", "tail"},
      {"tail=18446744073709551616", "tail"},
      {"limit=0", "limit"},
      {"limit=x", "limit"},
      {"follow=no", "follow"},
      {"follow=", "follow"},
      {"accounts=1", "accounts"},
      {"tail=%4", "tail"},
      {"%zz=1", "%zz"},
  };
  for (const auto& [query, name] : wrong) {
    const auto request = parse(query);
    ASSERT_FALSE(request) << query;
    EXPECT_EQ(request.code(), Code::invalid_parameter) << query;
    EXPECT_NE(request.error().message().find(name), std::string::npos) << request.error().message();
  }
}

TEST(StreamRequest, ShowsLongValuesOnlyInPart) {
  EXPECT_LT(parse("since=" + std::string(5000, 'x')).error().message().size(), 300u);
  EXPECT_LT(parse(std::string(5000, 'x') + "=1").error().message().size(), 300u);
}

TEST(StreamRequest, IsSseIfTheClientAsksForItByName) {
  for (const char* accept :
       {"text/event-stream", "TEXT/Event-Stream; charset=utf-8", "text/html, text/event-stream;q=0.1",
        "text/event-stream, */*", "application/x-ndjson;q=0.5, text/event-stream"}) {
    EXPECT_TRUE(parse("", accept)->is_sse) << accept;
  }
  for (const char* accept : {"", "*/*", "text/*", "application/x-ndjson", "application/json", "text/event-stream;q=0",
                             "text/event-stream;q=0.5, application/x-ndjson", "text/event-streams"}) {
    EXPECT_FALSE(parse("", accept)->is_sse) << accept;
  }
}

TEST(StreamRequest, ResumesAtLastEventIdWhateverTheUrlSays) {
  const std::string cursor = to_text(Cursor{.incarnation = 1, .position = 2, .timestamp = now, .id_hash = 3});
  const auto request = parse("since=all&tail=10&account_id=1", "text/event-stream", cursor);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->options.since.text(), cursor);
  EXPECT_FALSE(request->options.tail) << "a tail would skip what came meanwhile";
  EXPECT_EQ(request->options.account_ids, std::vector<AccountId>{1});
}

TEST(StreamRequest, AnUnreadableLastEventIdIsAGapAndNoError) {
  for (const char* last : {"all", "now", "10m", "c_broken", "42", "\xFF"}) {
    const auto request = parse("", "text/event-stream", last);
    ASSERT_TRUE(request) << last;
    const auto start = parse_since(request->options.since, now);
    ASSERT_TRUE(start);
    EXPECT_EQ(start->kind, StartPoint::Kind::unreadable_cursor) << last;
  }
}

}  // namespace
}  // namespace tracking::web
