// An array of events: parsed whole first, told in one answer.
#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

using Array = WebTest;

TEST_F(Array, IsTrackedInOneCallAndCounted) {
  post(R"([{"account_id":1,"data":1},{"account_id":3,"data":2}])");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, R"({"accepted":2,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(lane.batch_sizes, std::vector<std::size_t>{2});
  EXPECT_EQ(ledger.json(), R"({"received":2,"accepted":2,"rejected":{},"failed":{},"in_flight":0})");
}

TEST_F(Array, ListsEveryRejectionWithItsIndex) {
  post(R"([{"account_id":7,"data":1},{"account_id":1,"data":2},5,{"account_id":2,"data":3}])");
  EXPECT_EQ(reply.status, 202);
  EXPECT_NE(reply.body.find(R"({"accepted":1,"rejected":[{"index":0,"status":404,"type":"unknown-account","detail":)"
                            R"("account 7 does not exist; add it with: tracking-cli accounts add 7 NAME"},)"
                            R"({"index":2,"status":400,"type":"invalid-event","detail":)"),
            std::string::npos)
      << reply.body;
  EXPECT_NE(reply.body.find(R"({"index":3,"status":403,"type":"inactive-account")"), std::string::npos);
  EXPECT_EQ(ledger.read().rejected.size(), 3u);
}

TEST_F(Array, WithoutASingleAcceptedEventIs422) {
  post(R"([{"account_id":7,"data":1},{"data":2}])");
  EXPECT_EQ(reply.status, 422);
  EXPECT_NE(reply.body.find(R"({"accepted":0,"rejected":[{"index":0)"), std::string::npos);
  post("[1,2]");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(lane.batch_sizes.size(), 1u);
}

TEST_F(Array, ThatIsEmptyIsFineAndCountsAsOneRequest) {
  post(" [ ] ");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"accepted":0,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(ledger.read().received, 1u);
  EXPECT_EQ(ledger.read().accepted, 0u);
}

TEST_F(Array, WithASyntaxErrorAcceptsNothing) {
  post(R"([{"account_id":1,"data":1},{"account_id":1,"data":2])");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("malformed-json"), std::string::npos);
  EXPECT_TRUE(lane.seen.empty());
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":0,"rejected":{"malformed-json":1},"failed":{},"in_flight":0})");
}

TEST_F(Array, OverItsLimitsIsTooLarge) {
  limits.array_events_max = 2;
  limits.body_bytes_max = 100;
  EXPECT_EQ(post(R"([{"account_id":1,"data":1},{"account_id":1,"data":2}])").status, 202);
  EXPECT_EQ(post("[1,1,1]").status, 413);
  EXPECT_EQ(post('[' + std::string(100, ' ') + ']').status, 413);
  EXPECT_EQ(ledger.read().rejected.at("too-large"), 2u);
}

TEST_F(Array, CountsDuplicatesAmongTheAccepted) {
  lane.is_duplicate = true;
  post(R"([{"account_id":1,"id":"a","data":1},{"account_id":7,"data":2},{"account_id":1,"id":"b","data":3}])");
  EXPECT_NE(reply.body.find(R"("accepted":2,)"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find(R"("duplicates":2)"), std::string::npos) << reply.body;
}

TEST_F(Array, ThatIsStoppedSaysWhereAndWhy) {
  lane.codes[5] = Code::broker_unavailable;
  lane.codes[6] = Code::broker_unavailable;
  post(R"([{"account_id":1,"data":1},{"account_id":7,"data":2},{"account_id":5,"data":3},{"account_id":6,"data":4}])");
  EXPECT_EQ(reply.status, 202);
  EXPECT_NE(reply.body.find(R"({"accepted":1,"rejected":[{"index":1,)"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find(R"("stopped_at":2,"type":"broker-unavailable"})"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.body.find("\"index\":3"), std::string::npos);
}

TEST_F(Array, StoppedBeforeAnythingWasAcceptedHasTheFailuresStatus) {
  lane.codes[1] = Code::accounts_unavailable;
  post(R"([{"account_id":7,"data":1},{"account_id":1,"data":1},{"account_id":7,"data":1}])");
  EXPECT_EQ(reply.status, 503);
  EXPECT_TRUE(reply.retry_after);
  EXPECT_NE(reply.body.find(R"("stopped_at":1,"type":"accounts-unavailable"})"), std::string::npos) << reply.body;
  EXPECT_NE(reply.body.find(R"("accepted":0,"rejected":[{"index":0,)"), std::string::npos) << reply.body;
}

TEST_F(Array, StoppedInDoubtIs504AndCarriesTheId) {
  lane.codes[1] = Code::in_doubt;
  post(R"([{"account_id":1,"id":"x","data":1}])");
  EXPECT_EQ(reply.status, 504);
  EXPECT_NE(reply.body.find(R"("stopped_at":0,"type":"in-doubt","id":"x","timestamp":")"), std::string::npos)
      << reply.body;
}

TEST_F(Array, NeverDeniesThatALaterEventMayBeStored) {
  lane.codes[5] = Code::accounts_unavailable;
  post(R"([{"account_id":5,"data":1},{"account_id":1,"data":2}])");
  EXPECT_EQ(reply.status, 504);  // 503 would say that nothing was accepted
  EXPECT_NE(reply.body.find(R"("accepted":0,"rejected":[],"ack":"sent","stopped_at":0,"type":"in-doubt"})"),
            std::string::npos)
      << reply.body;
  EXPECT_EQ(ledger.read().accepted, 1u);
  EXPECT_EQ(ledger.read().failed.at("accounts-unavailable"), 1u);
}

TEST_F(Array, TellsTheWeakestAckOfItsEvents) {
  service.traits.gives_stored = true;
  lane.ack = AckLevel::stored;
  post(R"([{"account_id":1,"data":1}])");
  EXPECT_NE(reply.body.find(R"("ack":"stored")"), std::string::npos);
  post("[]", "ack=sent");
  EXPECT_NE(reply.body.find(R"("ack":"sent")"), std::string::npos);
  post("[]");
  EXPECT_NE(reply.body.find(R"("ack":"stored")"), std::string::npos);
}

}  // namespace
}  // namespace tracking::web
