// Events line by line: any split, any length, bounded.
#include <thread>

#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

class Ndjson : public WebTest {
 protected:
  NdjsonIntake& intake(std::string_view query = {}) {
    if (!intake_) intake_ = routes().ndjson(query, reply);
    return *intake_;
  }
  RecordingReply& send(std::string_view body) {
    intake().feed(body);
    intake().finish(true);
    return reply;
  }
  std::unique_ptr<NdjsonIntake> intake_;
};

const std::string two_good_one_bad =
    "{\"account_id\":1,\"data\":\"a\"}\n"
    "\r\n"
    "{\"account_id\":7,\"data\":\"b\"}\r\n"
    " \t \n"
    "{\"account_id\":3,\"data\":\"c\"}";

TEST_F(Ndjson, BlankLinesHaveNoIndexAndTheLastLineNeedsNoLineBreak) {
  send(two_good_one_bad);
  EXPECT_EQ(reply.count, 1);
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, R"({"accepted":2,"rejected":[{"index":1,"status":404,"type":"unknown-account","detail":)"
                        R"("account 7 does not exist; add it with: tracking-cli accounts add 7 NAME"}],"ack":"sent"})");
  ASSERT_EQ(lane.seen.size(), 3u);
  EXPECT_EQ(lane.seen[2].data, R"("c")");
}

TEST_F(Ndjson, IsAnsweredTheSameHoweverItIsSplit) {
  send(two_good_one_bad);
  const std::string whole = reply.body;
  for (std::size_t at = 0; at <= two_good_one_bad.size(); ++at) {
    RecordingReply split_reply;
    const auto split = routes().ndjson({}, split_reply);
    split->feed(std::string_view(two_good_one_bad).substr(0, at));
    split->feed(std::string_view(two_good_one_bad).substr(at));
    split->finish(true);
    ASSERT_EQ(split_reply.body, whole) << at;
  }
  RecordingReply byte_reply;
  const auto bytes = routes().ndjson({}, byte_reply);
  for (const char c : two_good_one_bad) bytes->feed({&c, 1});
  bytes->finish(true);
  EXPECT_EQ(byte_reply.body, whole);
}

TEST_F(Ndjson, IsTrackedInBatchesOfAtMost256Lines) {
  std::string body;
  for (int i = 0; i < 600; ++i) body += "{\"account_id\":1,\"data\":1}\n";
  send(body);
  EXPECT_EQ(reply.body, R"({"accepted":600,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(lane.batch_sizes, (std::vector<std::size_t>{256, 256, 88}));
}

TEST_F(Ndjson, PointersIntoThePieceAreNotNeededAfterFeed) {
  lane.is_holding = true;
  {
    std::string piece = "{\"account_id\":1,\"id\":\"mine\",\"data\":\"abc\"}\n";
    intake().feed(piece);
    piece.assign(piece.size(), '!');
  }
  intake().finish(true);
  EXPECT_EQ(reply.count, 0);
  lane.release();
  EXPECT_EQ(reply.status, 202);
}

TEST_F(Ndjson, ALineThatIsTooLongIsAnEntryAndReadingGoesOn) {
  limits.data_bytes_max = 100;
  const std::string longest = "{\"account_id\":1,\"data\":1" + std::string(4196 - 25, ' ') + "}";
  ASSERT_EQ(longest.size(), 4196u);
  std::string body =
      longest + "\n{\"account_id\":1,\"data\":\"" + std::string(10'000, 'x') + "\"}\n{\"account_id\":1,\"data\":2}\n";
  for (const std::size_t piece : {1u, 7u, 4096u, 100'000u}) {
    RecordingReply split_reply;
    const auto split = routes().ndjson({}, split_reply);
    std::size_t held_max = 0;
    for (std::size_t at = 0; at < body.size(); at += piece) {
      split->feed(std::string_view(body).substr(at, piece));
      held_max = std::max(held_max, split->bytes_held());
    }
    split->finish(true);
    EXPECT_NE(split_reply.body.find(R"({"accepted":2,"rejected":[{"index":1,"status":413,"type":"too-large")"),
              std::string::npos)
        << split_reply.body;
    EXPECT_LE(held_max, 2 * 4196u);
  }
}

TEST_F(Ndjson, ALastLineThatIsTooLongIsAnEntryToo) {
  limits.data_bytes_max = 100;
  send(std::string(5000, 'x'));
  EXPECT_EQ(reply.status, 422);
  EXPECT_NE(reply.body.find("too-large"), std::string::npos);
}

TEST_F(Ndjson, ListsThe100FirstRejectionsAndCountsAll) {
  std::string body;
  for (int i = 0; i < 100; ++i) body += "nonsense\n";
  send(body);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.body.find("rejected_total"), std::string::npos);

  RecordingReply more;
  const auto second = routes().ndjson({}, more);
  second->feed(body);
  second->feed("{\"account_id\":7,\"data\":1}\n{\"account_id\":1,\"data\":1}\n");
  second->finish(true);
  EXPECT_EQ(more.status, 202);
  EXPECT_NE(more.body.find(R"("index":99,)"), std::string::npos);
  EXPECT_EQ(more.body.find(R"("index":100,)"), std::string::npos);
  EXPECT_NE(more.body.find(R"("rejected_total":101,"rejected_by_type":{"malformed-json":100,"unknown-account":1}})"),
            std::string::npos)
      << more.body.substr(more.body.size() - 200);
}

TEST_F(Ndjson, StopsAtTheFirstFailureThatMayPass) {
  lane.codes[5] = Code::overloaded;
  EXPECT_EQ(intake().feed("{\"account_id\":1,\"data\":1}\n{\"account_id\":5,\"data\":1}\n"), NdjsonIntake::Feed::stop);
  EXPECT_EQ(intake().feed("{\"account_id\":1,\"data\":2}\n"), NdjsonIntake::Feed::stop);
  intake().finish(true);
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"accepted":1,"rejected":[],"ack":"sent","stopped_at":1,"type":"overloaded"})");
  EXPECT_EQ(lane.seen.size(), 2u);
  EXPECT_EQ(ledger.read().received, 2u);  // what follows the stop was never an event
}

TEST_F(Ndjson, IsToldInOrderThoughOutcomesComeOutOfOrder) {
  lane.is_holding = true;
  lane.codes[5] = Code::broker_unavailable;
  intake().feed("{\"account_id\":7,\"data\":1}\n");
  intake().feed("{\"account_id\":5,\"data\":1}\n");
  intake().feed("{\"account_id\":2,\"data\":1}\n");
  intake().finish(true);
  lane.release(2);
  lane.release(1);
  EXPECT_EQ(reply.count, 0);
  lane.release(0);
  EXPECT_EQ(reply.count, 1);
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(reply.body.find(R"({"accepted":0,"rejected":[{"index":0,"status":404)"), std::string::npos);
  EXPECT_NE(reply.body.find(R"("stopped_at":1,"type":"broker-unavailable")"), std::string::npos) << reply.body;
}

TEST_F(Ndjson, PausesWhenTooMuchIsInFlightAndResumes) {
  limits.ndjson_in_flight_max = 4;
  lane.is_holding = true;
  int resumed = 0;
  intake().on_resume([&] { ++resumed; });
  const std::string two = "{\"account_id\":1,\"data\":1}\n{\"account_id\":1,\"data\":1}\n";
  EXPECT_EQ(intake().feed(two), NdjsonIntake::Feed::more);
  EXPECT_EQ(intake().feed(two), NdjsonIntake::Feed::more);
  EXPECT_EQ(intake().feed(two), NdjsonIntake::Feed::pause);
  lane.release();
  EXPECT_EQ(resumed, 0);
  lane.release();
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(intake().feed(two), NdjsonIntake::Feed::more);
  lane.release();
  lane.release();
  intake().finish(true);
  EXPECT_EQ(reply.body, R"({"accepted":8,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(resumed, 1);
}

TEST_F(Ndjson, PausesOnBytesInFlightToo) {
  limits.ndjson_in_flight_bytes_max = 1000;
  lane.is_holding = true;
  EXPECT_EQ(intake().feed("{\"account_id\":1,\"data\":\"" + std::string(1000, 'x') + "\"}\n"),
            NdjsonIntake::Feed::pause);
  EXPECT_GE(intake().bytes_held(), 1000u);
  lane.release();
  EXPECT_LT(intake().bytes_held(), 100u);
}

TEST_F(Ndjson, ThatWasCutEndsAtItsLastWholeLine) {
  intake().feed("{\"account_id\":1,\"data\":1}\n{\"account_id\":1,\"data\":2}");
  intake().finish(false);
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"accepted":1,"rejected":[],"ack":"sent","incomplete":true})");
  EXPECT_EQ(ledger.read().received, 1u);
}

TEST_F(Ndjson, ThatWasCutBeforeItsFirstLineIsABadRequest) {
  intake().feed("{\"account_id\":1,");
  intake().finish(false);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.content_type, "application/problem+json");
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":0,"rejected":{"bad-request":1},"failed":{},"in_flight":0})");
}

TEST_F(Ndjson, WithoutAnyLineIsFineAndCountsAsOneRequest) {
  send("\n\n");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, R"({"accepted":0,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(ledger.read().received, 1u);
  EXPECT_EQ(ledger.read().in_flight, 0u);
}

TEST_F(Ndjson, AskingForAnAckLevelThatCannotBeGivenIsBornStopped) {
  EXPECT_EQ(intake("ack=stored").feed("{\"account_id\":1,\"data\":1}\n"), NdjsonIntake::Feed::stop);
  EXPECT_EQ(reply.count, 0);
  intake().finish(true);
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("\"ack-unavailable\""), std::string::npos);
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":0,"rejected":{"ack-unavailable":1},"failed":{},"in_flight":0})");
}

TEST_F(Ndjson, DestroyedWhileLinesAreInFlightStillCountsThemAndNeverReplies) {
  lane.is_holding = true;
  intake().feed("{\"account_id\":1,\"data\":1}\n");
  intake().finish(true);
  intake_.reset();
  EXPECT_EQ(ledger.read().in_flight, 1u);
  lane.release();
  EXPECT_EQ(reply.count, 0);
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":1,"rejected":{},"failed":{},"in_flight":0})");
}

TEST_F(Ndjson, DestroyedBeforeItEndedCountsAsOneRequest) {
  intake().feed("{\"account_id\"");
  intake_.reset();
  EXPECT_EQ(reply.count, 0);
  EXPECT_EQ(ledger.json(), R"({"received":1,"accepted":0,"rejected":{"bad-request":1},"failed":{},"in_flight":0})");
}

TEST_F(Ndjson, MayBeDestroyedFromWithinItsReply) {
  reply.on_answer = [&] { intake_.reset(); };
  NdjsonIntake& fed = intake();
  fed.feed("{\"account_id\":1,\"data\":1}\n");
  fed.finish(true);
  EXPECT_EQ(reply.count, 1);
  EXPECT_EQ(intake_, nullptr);
}

TEST_F(Ndjson, DestructionWaitsForAReplyUnderWayOnAnotherThread) {
  std::atomic<bool> is_inside = false;
  std::atomic<bool> may_return = false;
  std::atomic<bool> has_returned = false;
  reply.on_answer = [&] {
    is_inside = true;
    while (!may_return) std::this_thread::yield();
    has_returned = true;
  };
  lane.is_holding = true;
  intake().feed("{\"account_id\":1,\"data\":1}\n");
  intake().finish(true);
  std::thread completing([&] { lane.release(); });
  while (!is_inside) std::this_thread::yield();
  std::thread releasing([&] { may_return = true; });
  intake_.reset();
  EXPECT_TRUE(has_returned);
  completing.join();
  releasing.join();
}

TEST_F(Ndjson, ThatIsThereWholeGoesThroughPost) {
  post(two_good_one_bad, "ack=sent", "application/x-ndjson");
  EXPECT_EQ(reply.count, 1);
  EXPECT_NE(reply.body.find(R"({"accepted":2,"rejected":[{"index":1)"), std::string::npos) << reply.body;
  EXPECT_EQ(lane.asked_ack, AckLevel::sent);
  EXPECT_EQ(post("", "ack=stored", "application/x-ndjson").status, 400);
}

}  // namespace
}  // namespace tracking::web
