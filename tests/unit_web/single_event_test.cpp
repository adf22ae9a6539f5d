// Each row of the answer table, for one event.
#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

using SingleEvent = WebTest;

TEST_F(SingleEvent, IsAcceptedWithIdTimestampAndAck) {
  post(R"({"account_id":1,"data":"foo"})");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, R"({"id":"made-by-service","timestamp":"2025-11-24T16:00:00.000000Z","ack":"sent"})");
  ASSERT_EQ(lane.seen.size(), 1u);
  EXPECT_EQ(lane.seen[0].account_id, 1);
  EXPECT_EQ(lane.seen[0].data, R"("foo")");
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":1,"rejected":{},"failed":{},"in_flight":0})");
}

TEST_F(SingleEvent, KeepsTheClientsIdAndTime) {
  post(R"({"account_id":1,"id":"a-1","occurred_at":"2026-11-23T21:24:06+01:00","data":1e400})");
  EXPECT_EQ(reply.body, R"({"id":"a-1","timestamp":"2025-11-24T16:00:00.000000Z","ack":"sent"})");
  EXPECT_EQ(lane.seen[0].id, "a-1");
  EXPECT_EQ(lane.seen[0].data, "1e400");
  EXPECT_EQ(lane.seen[0].occurred_at->time_since_epoch().count(), 1'795'465'446'000'000);
}

TEST_F(SingleEvent, ThatIsARepeatSaysSo) {
  lane.is_duplicate = true;
  post(R"({"account_id":1,"id":"a-1","data":1})");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"id":"a-1","timestamp":"2025-11-24T16:00:00.000000Z","ack":"sent","duplicate":true})");
}

TEST_F(SingleEvent, OfAnUnknownAccountIsToldHowToAddIt) {
  post(R"({"account_id":7,"data":1})");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  EXPECT_EQ(reply.body, R"({"type":"unknown-account","title":"Unknown account","status":404,)"
                        R"("detail":"account 7 does not exist; add it with: tracking-cli accounts add 7 NAME"})");
  EXPECT_EQ(ledger.read().rejected.at("unknown-account"), 1u);
}

TEST_F(SingleEvent, OfAnInactiveAccountIsToldHowToActivateIt) {
  post(R"({"account_id":2,"data":1})");
  EXPECT_EQ(reply.status, 403);
  EXPECT_NE(reply.body.find("account 2 is inactive; activate it with: tracking-cli accounts activate 2"),
            std::string::npos);
}

struct Failure {
  Code code;
  int status;
  std::string_view type;
};

class FailedEvent : public WebTest, public ::testing::WithParamInterface<Failure> {};

TEST_P(FailedEvent, IsAnsweredWithItsProblem) {
  lane.codes[1] = GetParam().code;
  post(R"({"account_id":1,"id":"mine","data":1})");
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_NE(reply.body.find("\"type\":\"" + std::string(GetParam().type) + '"'), std::string::npos) << reply.body;
  EXPECT_EQ(reply.retry_after, GetParam().status == 503);
  EXPECT_EQ(reply.body.find("\"id\":\"mine\"") != std::string::npos, GetParam().status == 504);
  const Ledger::Reading reading = ledger.read();
  EXPECT_EQ(reading.in_flight, 0u);
  EXPECT_EQ(reading.failed.count(GetParam().type), GetParam().status >= 500 ? 1u : 0u);
  EXPECT_EQ(reading.rejected.count(GetParam().type), GetParam().status >= 500 ? 0u : 1u);
}

INSTANTIATE_TEST_SUITE_P(Rows, FailedEvent,
                         ::testing::Values(Failure{Code::broker_unavailable, 503, "broker-unavailable"},
                                           Failure{Code::accounts_unavailable, 503, "accounts-unavailable"},
                                           Failure{Code::overloaded, 503, "overloaded"},
                                           Failure{Code::closed, 503, "broker-unavailable"},
                                           Failure{Code::in_doubt, 504, "in-doubt"},
                                           Failure{Code::timed_out, 504, "in-doubt"},
                                           Failure{Code::too_large, 413, "too-large"},
                                           Failure{Code::ack_unavailable, 400, "ack-unavailable"},
                                           Failure{Code::unsupported, 500, "internal"}));

TEST_F(SingleEvent, InDoubtCarriesIdAndTimestampForTheRepeat) {
  lane.codes[1] = Code::in_doubt;
  post(R"({"account_id":1,"data":1})");
  EXPECT_NE(reply.body.find(R"("id":"made-by-service","timestamp":"2025-11-24T16:00:00.000000Z")"), std::string::npos)
      << reply.body;
}

TEST_F(SingleEvent, ThatIsNoJsonIsMalformed) {
  post(R"({"account_id":1,"data":)");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("malformed-json"), std::string::npos);
  EXPECT_NE(reply.body.find("byte "), std::string::npos) << reply.body;
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":0,"rejected":{"malformed-json":1},"failed":{},"in_flight":0})");
}

TEST_F(SingleEvent, WithAnIdOutOfRangeIsInvalid) {
  for (const char* id : {"0", "-1", "1.0", "1e3", "\"1\"", "9223372036854775808", "null"}) {
    post(std::string(R"({"account_id":)") + id + R"(,"data":1})");
    EXPECT_EQ(reply.status, 400) << id;
    EXPECT_NE(reply.body.find("account_id"), std::string::npos) << reply.body;
  }
  EXPECT_TRUE(lane.seen.empty());
  EXPECT_EQ(ledger.read().rejected.at("invalid-event"), 7u);
}

TEST_F(SingleEvent, IsReadAsJsonFromWhatCurlAndSendBeaconSend) {
  for (const char* type : {"", "application/json", "Application/JSON; charset=utf-8", "text/plain;charset=UTF-8",
                           "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(post(R"({"account_id":1,"data":1})", {}, type).status, 202) << type;
  }
}

TEST_F(SingleEvent, OfAnotherContentTypeIsRefused) {
  for (const char* type : {"application/xml", "image/png", "application/jsonx", "multipart/form-data; boundary=x"}) {
    EXPECT_EQ(post(R"({"account_id":1,"data":1})", {}, type).status, 415) << type;
  }
  EXPECT_EQ(ledger.read().rejected.at("unsupported-type"), 4u);
}

TEST_F(SingleEvent, AsksForTheAckLevelOfTheQuery) {
  post(R"({"account_id":1,"data":1})", "ack=sent");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(lane.asked_ack, AckLevel::sent);
  post(R"({"account_id":1,"data":1})", "x=1&a%63k=sen%74&");
  EXPECT_EQ(reply.status, 202);
}

TEST_F(SingleEvent, AskingForAnAckLevelThatCannotBeGivenIsRefused) {
  for (const char* query : {"ack=stored", "ack=", "ack", "ack=default", "ack=SENT", "x&ack=written"}) {
    post(R"({"account_id":1,"data":1})", query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_NE(reply.body.find("\"ack-unavailable\""), std::string::npos) << reply.body;
  }
  post(R"({"account_id":1,"data":1})", "ack=sent&ack=sent");
  EXPECT_NE(reply.body.find("\"invalid-parameter\""), std::string::npos);
  EXPECT_TRUE(lane.seen.empty());
}

TEST_F(SingleEvent, OverALimitIsTooLarge) {
  limits.data_bytes_max = 10;
  EXPECT_EQ(post(R"({"account_id":1,"data":"12345678"})").status, 202);
  EXPECT_EQ(post(R"({"account_id":1,"data":"123456789"})").status, 413);
  EXPECT_EQ(post(R"({"account_id":1,"data":1})" + std::string(4096 + 10, ' ')).status, 413);
  EXPECT_EQ(ledger.read().rejected.at("too-large"), 2u);
}

TEST_F(SingleEvent, IsInFlightUntilItsOutcomeIsKnown) {
  lane.is_holding = true;
  post(R"({"account_id":1,"data":1})");
  EXPECT_EQ(reply.count, 0);
  EXPECT_EQ(ledger.read().in_flight, 1u);
  lane.release();
  EXPECT_EQ(reply.count, 1);
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(ledger.read().in_flight, 0u);
}

TEST_F(SingleEvent, ThatNeverReachedTheRoutesIsCountedOnce) {
  routes().refused(Code::request_timeout);
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":0,"rejected":{"request-timeout":1},"failed":{},"in_flight":0})");
}

}  // namespace
}  // namespace tracking::web
