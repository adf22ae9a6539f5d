// POST /{account_id}: the body is the data.
#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

using AccountEvents = WebTest;

constexpr std::string_view form = "application/x-www-form-urlencoded";
constexpr std::string_view json = "application/json";

TEST_F(AccountEvents, ABodyIsAString) {
  EXPECT_EQ(post("hello", {}, form, "/1").status, 202);
  EXPECT_EQ(post("tab\tquote\" line\n\xC3\xA4", {}, "image/png", "/1").status, 202);
  EXPECT_EQ(post("", {}, "", "/0000000000000000001").status, 202);
  EXPECT_EQ(lane.seen[0].data, R"("hello")");
  EXPECT_EQ(lane.seen[1].data, "\"tab\\tquote\\\" line\\n\xC3\xA4\"");
  EXPECT_EQ(lane.seen[2].data, R"("")");
  EXPECT_EQ(lane.seen[2].account_id, 1);
}

TEST_F(AccountEvents, AJsonBodyIsTheDataItself) {
  EXPECT_EQ(post(" {\"a\":\n[1e400,\r\n\"\\ud800\"]}\n", {}, json, "/3").status, 202);
  EXPECT_EQ(lane.seen[0].data, "{\"a\": [1e400,  \"\\ud800\"]}");
}

TEST_F(AccountEvents, ABodyThatIsNeitherIsRefusedWithItsOffset) {
  post("a\xFFz", {}, form, "/1");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("byte 1"), std::string::npos) << reply.body;
  post("  [1,]", {}, json, "/1");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("malformed-json"), std::string::npos);
  EXPECT_NE(reply.body.find("byte 5"), std::string::npos) << reply.body;
  EXPECT_EQ(post("", {}, json, "/1").status, 400);
  EXPECT_EQ(post(std::string(128, '[') + std::string(128, ']'), {}, json, "/1").status, 400);
  EXPECT_EQ(post(std::string(127, '[') + std::string(127, ']'), {}, json, "/1").status, 202);
}

TEST_F(AccountEvents, InvalidUtf8IsFoundInEveryForm) {
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\xAF", "\xED\xA0\x80", "\xE2\x82",
                                "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE"}) {
    EXPECT_EQ(post("ok" + bad, {}, form, "/1").status, 400);
    EXPECT_NE(reply.body.find("byte 2"), std::string::npos) << reply.body;
  }
  EXPECT_EQ(post("\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", {}, form, "/1")
                .status,
            202);
}

TEST_F(AccountEvents, AnAccountOutOfRangeIsInvalid) {
  for (const char* path : {"/0", "/9223372036854775808", "/9999999999999999999"}) {
    EXPECT_EQ(post("x", {}, form, path).status, 400) << path;
    EXPECT_NE(reply.body.find("\"invalid-event\""), std::string::npos);
  }
  EXPECT_EQ(post("x", {}, form, "/9223372036854775807").status, 202);
}

TEST_F(AccountEvents, IdTimeAndAckComeFromTheQuery) {
  post("x", "id=a%3A1&occurred_at=2026-11-23T21:24:06+01:00&ack=sent", form, "/1");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(lane.seen[0].id, "a:1");
  EXPECT_EQ(lane.seen[0].occurred_at->time_since_epoch().count(), 1'795'465'446'000'000);
  EXPECT_EQ(lane.asked_ack, AckLevel::sent);
}

TEST_F(AccountEvents, AWrongParameterIsNamed) {
  for (const char* query : {"id=", "id=a/b", "id=%zz"}) {
    EXPECT_EQ(post("x", query, form, "/1").status, 400) << query;
    EXPECT_NE(reply.body.find("\"detail\":\"id: "), std::string::npos) << reply.body;
  }
  EXPECT_EQ(post("x", "occurred_at=today", form, "/1").status, 400);
  EXPECT_NE(reply.body.find("\"detail\":\"occurred_at: "), std::string::npos) << reply.body;
  EXPECT_EQ(ledger.read().rejected.at("invalid-parameter"), 4u);
  EXPECT_TRUE(lane.seen.empty());
}

TEST_F(AccountEvents, AParameterGivenTwiceIsRefused) {
  for (const char* query :
       {"id=a&id=b", "id=a&id=a", "occurred_at=2026-11-23T21:24:06Z&occurred_at=2026-11-23T21:24:06Z"}) {
    EXPECT_EQ(post("x", query, form, "/1").status, 400) << query;
    EXPECT_NE(reply.body.find("once at most"), std::string::npos) << reply.body;
  }
  EXPECT_TRUE(lane.seen.empty());
}

TEST_F(AccountEvents, ParametersOfOneRequestDoNotReachTheNext) {
  post("x", "id=first&ack=sent", form, "/1");
  post("y", {}, form, "/1");
  EXPECT_EQ(lane.seen[1].id, "");
  EXPECT_EQ(lane.asked_ack, AckLevel::broker_default);
}

TEST_F(AccountEvents, DataOverItsLimitIsTooLargeOnceItIsJson) {
  limits.data_bytes_max = 8;
  EXPECT_EQ(post("123456", {}, form, "/1").status, 202);
  EXPECT_EQ(post("1234567", {}, form, "/1").status, 413);
  EXPECT_EQ(post(std::string("\1\1"), {}, form, "/1").status, 413);  // \u0001\u0001
}

}  // namespace
}  // namespace tracking::web
