#include "http/receipts.h"

#include <gtest/gtest.h>

namespace tracking::remote {
namespace {

Answer answered(int status, std::string body, std::string content_type = "application/json") {
  return {.reach = Reach::answered,
          .status = status,
          .content_type = std::move(content_type),
          .body = std::move(body),
          .is_whole = true};
}

Answer problem(int status, const std::string& type) {
  return answered(status, "{\"type\":\"" + type + "\"}", "application/problem+json");
}

Receipt receipt_of(const Answer& answer) {
  Receipt receipt;
  receipt.id.assign("ours");
  read_receipt(answer, receipt);
  return receipt;
}

struct Batch {
  explicit Batch(const Answer& answer) {
    std::vector<Receipt*> pointers;
    for (Receipt& receipt : receipts) {
      receipt.id.assign("ours");
      pointers.push_back(&receipt);
    }
    is_read = read_receipts(answer, pointers);
  }
  Code code(std::size_t index) const { return receipts[index].code; }
  std::vector<Receipt> receipts = std::vector<Receipt>(4);
  bool is_read = false;
};

TEST(Receipts, OneAcceptedEventHasTheServersIdAndTime) {
  const auto receipt =
      receipt_of(answered(202, R"({"id":"theirs","timestamp":"2026-11-23T20:24:06.751257Z","ack":"stored"})"));
  EXPECT_EQ(receipt.code, Code::ok);
  EXPECT_EQ(receipt.id.view(), "theirs");
  EXPECT_EQ(receipt.ack, AckLevel::stored);
  EXPECT_EQ(receipt.timestamp.time_since_epoch().count(), 1'795'465'446'751'257);
  EXPECT_FALSE(receipt.duplicate);
}

TEST(Receipts, ProblemsKeepTheirCodes) {
  EXPECT_EQ(receipt_of(problem(404, "unknown-account")).code, Code::unknown_account);
  EXPECT_EQ(receipt_of(problem(503, "overloaded")).code, Code::overloaded);
  EXPECT_EQ(receipt_of(problem(429, "of-the-future")).code, Code::rate_limited);
  EXPECT_TRUE(receipt_of(problem(404, "unknown-account")).id.empty());
}

TEST(Receipts, InDoubtKeepsTheIdForARepeat) {
  EXPECT_EQ(receipt_of(problem(504, "in-doubt")).id.view(), "ours");
  EXPECT_EQ(receipt_of({.reach = Reach::no_answer}).code, Code::in_doubt);
  EXPECT_EQ(receipt_of({.reach = Reach::no_answer}).id.view(), "ours");
}

TEST(Receipts, WhatDidNotLeaveMayBeRepeated) {
  EXPECT_EQ(receipt_of({.reach = Reach::no_connection}).code, Code::broker_unavailable);
  EXPECT_EQ(receipt_of({.reach = Reach::not_sent}).code, Code::broker_unavailable);
}

TEST(Receipts, AGatewaysAnswerIsNoPromise) {
  EXPECT_EQ(receipt_of(answered(502, "<html>", "text/html")).code, Code::in_doubt);
  EXPECT_EQ(receipt_of(answered(504, "<html>", "text/html")).code, Code::in_doubt);
  EXPECT_EQ(receipt_of(answered(200, "<html>", "text/html")).code, Code::in_doubt);
  EXPECT_EQ(receipt_of(answered(503, "", "text/html")).code, Code::broker_unavailable);
}

TEST(Receipts, ACutAnswerIsInDoubt) {
  auto cut = answered(202, R"({"id":"theirs")");
  cut.is_whole = false;
  EXPECT_EQ(receipt_of(cut).code, Code::in_doubt);
}

TEST(Receipts, ABatchTellsItsRejections) {
  const Batch batch(
      answered(202, R"({"accepted":3,"rejected":[{"index":1,"status":404,"type":"unknown-account"}],"ack":"sent"})"));
  ASSERT_TRUE(batch.is_read);
  EXPECT_EQ(batch.code(0), Code::ok);
  EXPECT_EQ(batch.receipts[0].id.view(), "ours");
  EXPECT_EQ(batch.code(1), Code::unknown_account);
  EXPECT_EQ(batch.code(3), Code::ok);
}

TEST(Receipts, BehindTheStopNothingIsKnownToBeAccepted) {
  const Batch batch(answered(202, R"({"accepted":1,"rejected":[{"index":1,"type":"inactive-account"}],"stopped_at":2,)"
                                  R"("type":"overloaded","ack":"sent"})"));
  EXPECT_EQ(batch.code(0), Code::ok);
  EXPECT_EQ(batch.code(1), Code::inactive_account);
  EXPECT_EQ(batch.code(2), Code::overloaded);
  EXPECT_EQ(batch.code(3), Code::overloaded);
}

TEST(Receipts, ABatchSaysOnlyHowManyAreDuplicates) {
  EXPECT_TRUE(
      Batch(answered(202, R"({"accepted":4,"duplicates":4,"rejected":[],"ack":"sent"})")).receipts[2].duplicate);
  EXPECT_FALSE(
      Batch(answered(202, R"({"accepted":4,"duplicates":3,"rejected":[],"ack":"sent"})")).receipts[2].duplicate);
}

TEST(Receipts, AnAnswerThatContradictsItselfPromisesNothing) {
  const Batch batch(answered(
      422, R"({"accepted":0,"rejected":[{"index":99,"type":"too-large"}],"stopped_at":999,"type":"overloaded"})"));
  EXPECT_EQ(batch.code(3), Code::in_doubt);
}

TEST(Receipts, AnArrayRefusedAsAWholeIsSentOneByOne) {
  EXPECT_FALSE(Batch(problem(400, "malformed-json")).is_read);
  EXPECT_FALSE(Batch(problem(413, "too-large")).is_read);
  const Batch batch(problem(503, "accounts-unavailable"));
  EXPECT_TRUE(batch.is_read);
  EXPECT_EQ(batch.code(3), Code::accounts_unavailable);
}

}  // namespace
}  // namespace tracking::remote
