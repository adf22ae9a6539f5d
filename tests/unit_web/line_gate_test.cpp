// Uploads that are read at the same time share what is in flight.
#include <memory>
#include <vector>

#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

const std::string line = "{\"account_id\":1,\"data\":1}\n";

/// Bodies that are read at the same time, of which a few lines may be in flight together.
class ManyBodies : public WebTest {
 protected:
  struct Body {
    RecordingReply reply;
    int resumed = 0;
    std::unique_ptr<NdjsonIntake> intake;
  };

  ManyBodies() {
    limits.ndjson_together_max = 4;
    lane.is_holding = true;
  }
  Body& begin() {
    auto& body = *bodies_.emplace_back(std::make_unique<Body>());
    body.intake = routes().ndjson({}, body.reply);
    body.intake->on_resume([&body] { ++body.resumed; });
    return body;
  }
  static std::string lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += line;
    return text;
  }
  /// Completes what is held until nothing is, feeding nothing to those that are resumed.
  void run() {
    while (lane.held() > 0) {
      lane.release();
      for (auto& body : bodies_) {
        if (body->intake && std::exchange(body->resumed, 0) > 0) body->intake->feed({});
      }
    }
  }

  std::vector<std::unique_ptr<Body>> bodies_;
};

TEST_F(ManyBodies, HaveNoMoreInFlightTogetherThanTheLimit) {
  Body& first = begin();
  Body& second = begin();
  EXPECT_EQ(first.intake->feed(lines(3)), NdjsonIntake::Feed::more);
  EXPECT_EQ(second.intake->feed(lines(2)), NdjsonIntake::Feed::pause);
  EXPECT_EQ(lane.seen.size(), 3u) << "the second one's wait";
  lane.release();
  EXPECT_EQ(second.resumed, 1);
  EXPECT_EQ(second.intake->feed({}), NdjsonIntake::Feed::more);
  EXPECT_EQ(lane.seen.size(), 5u);
  lane.release();
  first.intake->finish(true);
  second.intake->finish(true);
  EXPECT_EQ(first.reply.body, R"({"accepted":3,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(second.reply.body, R"({"accepted":2,"rejected":[],"ack":"sent"})");
}

TEST_F(ManyBodies, AreLetInInTheOrderInWhichTheyCame) {
  std::vector<Body*> bodies;
  for (int i = 0; i < 4; ++i) {
    bodies.push_back(&begin());
    bodies.back()->intake->feed(lines(3));
    bodies.back()->intake->finish(true);
  }
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    ASSERT_EQ(lane.held(), 1u);
    lane.release();
    EXPECT_EQ(bodies[i]->reply.count, 1) << i;
  }
  EXPECT_EQ(lane.held(), 0u);
}

TEST_F(ManyBodies, ThatHaveEndedAreHandedOverByWhoeverMakesRoom) {
  Body& first = begin();
  first.intake->feed(lines(4));
  post(lines(2), {}, "application/x-ndjson");
  EXPECT_EQ(reply.count, 0);
  lane.release();
  EXPECT_EQ(lane.seen.size(), 6u);
  lane.release();
  EXPECT_EQ(reply.body, R"({"accepted":2,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(ledger.read().in_flight, 0u);
}

TEST_F(ManyBodies, OneThatVanishesInLineHoldsUpNobody) {
  Body& first = begin();
  Body& second = begin();
  Body& third = begin();
  first.intake->feed(lines(4));
  second.intake->feed(lines(4));
  third.intake->feed(lines(4));
  third.intake->finish(true);
  second.intake.reset();
  run();
  EXPECT_EQ(third.reply.body, R"({"accepted":4,"rejected":[],"ack":"sent"})");
  EXPECT_EQ(second.reply.count, 0);
  EXPECT_EQ(ledger.json(), R"({"received":9,"accepted":8,"rejected":{"bad-request":1},"failed":{},"in_flight":0})");
}

TEST_F(ManyBodies, OneThatVanishesWhenItWasLetInGivesItsPlaceBack) {
  Body& first = begin();
  Body& second = begin();
  first.intake->feed(lines(4));
  second.intake->feed(lines(4));
  lane.release();
  ASSERT_EQ(second.resumed, 1);
  second.intake.reset();
  Body& third = begin();
  EXPECT_EQ(third.intake->feed(lines(4)), NdjsonIntake::Feed::more);
  third.intake->finish(true);
  run();
  EXPECT_EQ(third.reply.body, R"({"accepted":4,"rejected":[],"ack":"sent"})");
}

TEST_F(ManyBodies, ALineTooLargeForAllOfItEntersAlone) {
  limits.ndjson_together_bytes_max = 100;
  Body& first = begin();
  Body& second = begin();
  EXPECT_EQ(first.intake->feed(line), NdjsonIntake::Feed::more);
  EXPECT_EQ(second.intake->feed(line), NdjsonIntake::Feed::pause);
  second.intake->finish(true);
  first.intake->finish(true);
  run();
  EXPECT_EQ(first.reply.status, 202);
  EXPECT_EQ(second.reply.status, 202);
}

TEST_F(ManyBodies, OneThatStopsInLineIsAnsweredWithoutWaiting) {
  lane.codes[5] = Code::broker_unavailable;
  Body& first = begin();
  Body& second = begin();
  second.intake->feed("{\"account_id\":5,\"data\":1}\n");
  first.intake->feed(lines(3));
  EXPECT_EQ(second.intake->feed(lines(4)), NdjsonIntake::Feed::pause);
  lane.release();
  EXPECT_EQ(second.resumed, 1);
  EXPECT_EQ(second.intake->feed({}), NdjsonIntake::Feed::stop);
  second.intake->finish(true);
  EXPECT_EQ(second.reply.status, 503);
  first.intake->finish(true);
  run();
  EXPECT_EQ(first.reply.status, 202);
}

TEST_F(ManyBodies, AThousandInLineTakeNoStack) {
  std::vector<Body*> bodies;
  for (int i = 0; i < 1'000; ++i) {
    bodies.push_back(&begin());
    bodies.back()->intake->feed(lines(4));
    bodies.back()->intake->finish(true);
  }
  lane.is_holding = false;  // the rest completes within the call that hands it over
  lane.release();
  for (auto* body : bodies) ASSERT_EQ(body->reply.status, 202);
}

}  // namespace
}  // namespace tracking::web
