// What an answer says of a request's events.
#include "bench/load_result.h"

#include <gtest/gtest.h>

namespace tracking::cli {
namespace {

using Errors = std::map<std::string, std::uint64_t>;

struct Tally {
  std::uint64_t accepted;
  Errors errors;
};

Tally tally(int status, std::string_view body, std::uint64_t events) {
  Errors errors;
  const std::uint64_t accepted = tally_answer(status, body, events, errors);
  return {accepted, errors};
}

TEST(TallyAnswer, ASingleEventIsAcceptedByItsStatus) {
  EXPECT_EQ(tally(202, "", 1).accepted, 1u);
  EXPECT_EQ(tally(202, R"({"id":"x","ack":"sent"})", 1).accepted, 1u);
}

TEST(TallyAnswer, ABatchSaysHowManyWere) {
  const auto result = tally(202, R"({"accepted":7,"rejected":[],"ack":"sent"})", 7);
  EXPECT_EQ(result.accepted, 7u);
  EXPECT_TRUE(result.errors.empty());
}

TEST(TallyAnswer, EveryRejectionCountsByItsType) {
  const auto result = tally(202,
                            R"({"accepted":1,"rejected":[{"index":1,"status":404,"type":"unknown-account"},)"
                            R"({"index":2,"status":403,"type":"inactive-account"}],"ack":"sent"})",
                            3);
  EXPECT_EQ(result.accepted, 1u);
  EXPECT_EQ(result.errors, (Errors{{"403 inactive-account", 1}, {"404 unknown-account", 1}}));
}

TEST(TallyAnswer, WhatStoppedABatchStandsForTheRest) {
  const auto result = tally(202, R"({"accepted":4,"rejected":[],"stopped_at":4,"type":"overloaded"})", 10);
  EXPECT_EQ(result.errors, (Errors{{"503 overloaded", 6}}));
}

TEST(TallyAnswer, AProblemStandsForAllEvents) {
  EXPECT_EQ(tally(503, R"({"type":"overloaded","status":503})", 5).errors, (Errors{{"503 overloaded", 5}}));
  EXPECT_EQ(tally(502, "<html>", 5).errors, (Errors{{"HTTP status 502", 5}}));
  EXPECT_EQ(tally(418, R"({"type":"teapot"})", 1).errors, (Errors{{"418 teapot", 1}}));
}

TEST(TallyAnswer, AServerThatAnswersForAllAtOnceAcceptedAll) { EXPECT_EQ(tally(202, "", 100).accepted, 100u); }

}  // namespace
}  // namespace tracking::cli
