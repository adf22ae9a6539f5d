// Events of verify are recognised, and a byte that changed on the way is noticed.
#include "verify/verify_event.h"

#include <gtest/gtest.h>

namespace tracking::cli {
namespace {

constexpr VerifyStream stream{.lane = 2, .account_id = 9223372036854775807};
using Kind = VerifyEvent::Kind;

std::optional<VerifyEvent> parse(const std::string& id, const std::string& data,
                                 AccountId account = stream.account_id) {
  return parse_verify_event("run", {.id = id, .account_id = account, .data = data});
}

TEST(VerifyEvent, NumberedEventsAreReadBack) {
  const std::string id = verify_id("run", Kind::numbered, stream, 17);
  const auto event = parse(id, verify_data(id, 64));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->stream, stream);
  EXPECT_EQ(event->number, 17u);
  EXPECT_TRUE(event->is_intact);
  EXPECT_FALSE(event->is_sent_again);
}

TEST(VerifyEvent, IdsAreWithinTheirLimit) {
  const VerifyStream longest{.lane = 255, .account_id = stream.account_id};
  EXPECT_LE(verify_id("abcdefghijklmnop", Kind::hello, longest, UINT64_MAX).size(), 64u);
}

TEST(VerifyEvent, DataHasTheSizeAskedFor) {
  for (const std::size_t bytes : {verify_data_bytes_min, std::size_t{33}, std::size_t{1000}}) {
    EXPECT_EQ(verify_data("run-0-1-1", bytes).size(), bytes);
  }
}

TEST(VerifyEvent, EveryChangedByteIsNoticed) {
  const std::string id = verify_id("run", Kind::numbered, stream, 1);
  const std::string data = verify_data(id, verify_data_bytes_min);
  for (std::size_t i = 0; i < data.size(); ++i) {
    std::string changed = data;
    changed[i] ^= 1;
    const auto event = parse(id, changed);
    ASSERT_TRUE(event);
    EXPECT_TRUE(!event->is_intact || event->is_sent_again) << i;
  }
  EXPECT_FALSE(parse(id, data.substr(0, data.size() - 3) + "\"}")->is_intact &&
               data.size() == verify_data_bytes_min - 1);
  EXPECT_FALSE(parse(id, verify_data("run-2-1-2", data.size()))->is_intact);
}

TEST(VerifyEvent, AnAttemptIsSaidInPlace) {
  const std::string id = verify_id("run", Kind::numbered, stream, 1);
  std::string data = verify_data(id, 64);
  set_attempt(data, 12);
  const auto event = parse(id, data);
  EXPECT_EQ(data.size(), 64u);
  EXPECT_TRUE(event->is_sent_again);
  EXPECT_TRUE(event->is_intact);
}

TEST(VerifyEvent, EndsSayWhatToExpect) {
  const auto event = parse(verify_id("run", Kind::end, stream, 0), verify_end_data({.accepted = 12, .streams = 3}));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::end);
  EXPECT_EQ(event->end.accepted, 12u);
  EXPECT_EQ(event->end.streams, 3u);
}

TEST(VerifyEvent, OthersAreLeftAlone) {
  for (const std::string id : {"", "run", "run-", "run-2-1", "other-2-9223372036854775807-1", "run-2-1-1",
                               "run-2-9223372036854775807-0", "run-2-9223372036854775807-1x"}) {
    EXPECT_FALSE(parse(id, "1")) << id;
  }
}

TEST(VerifyEvent, RunNamesHaveNoSeparator) {
  EXPECT_TRUE(is_run_name(make_run_name()));
  for (const std::string name : {"", "a-b", "12345678901234567", "a b"}) EXPECT_FALSE(is_run_name(name)) << name;
}

}  // namespace
}  // namespace tracking::cli
