// The decoder against RapidJSON: whatever both can express must agree.
#include <gtest/gtest.h>

#include <map>

#include "codec/json.h"
#include "unit_codec/decode.h"
#include "unit_codec/event_generator.h"
#include "unit_codec/event_oracle.h"

namespace tracking::testing {
namespace {

constexpr int texts_per_test = 60'000;

Opinion opinion_of(Code code) {
  switch (code) {
    case Code::ok:
      return Opinion::valid;
    case Code::invalid_event:
      return Opinion::invalid_event;
    case Code::malformed_json:
      return Opinion::malformed_json;
    default:
      return Opinion::none;
  }
}

// True if the oracle had an opinion.
bool compare_event(const std::string& text) {
  const auto oracle = event_opinion(text);
  const Decoded decoded(text);
  if (oracle.opinion == Opinion::none) return false;
  EXPECT_EQ(opinion_of(decoded.fault.code), oracle.opinion) << text << "\n" << decoded.fault.detail();
  if (!decoded.is_ok || oracle.opinion != Opinion::valid) return true;
  EXPECT_EQ(decoded.event.account_id, oracle.account_id) << text;
  EXPECT_EQ(decoded.event.id, oracle.id) << text;
  EXPECT_EQ(decoded.event.occurred_at.has_value(), oracle.has_occurred_at) << text;
  EXPECT_EQ(json_opinion(decoded.event.data.json(), codec::nesting_max - 1), Opinion::valid) << text;
  EXPECT_EQ(decoded.event.data.json().find_first_of("\r\n"), std::string_view::npos) << text;
  return true;
}

void compare_json(const std::string& text) {
  const auto oracle = json_opinion(text, codec::nesting_max);
  const ExactBytes bytes(text);
  codec::JsonTraits traits;
  codec::JsonFault fault;
  const bool is_valid = codec::validate_json(bytes.view(), codec::nesting_max, traits, fault);
  EXPECT_TRUE(oracle == Opinion::none || is_valid == (oracle == Opinion::valid)) << text << "\n" << fault.what;
  EXPECT_TRUE(is_valid || fault.offset <= text.size()) << text;
}

TEST(Oracle, AgreesOnEvents) {
  EventGenerator generator(20261123);
  std::map<Opinion, int> seen;
  for (int i = 0; i < texts_per_test && !::testing::Test::HasFailure(); ++i) {
    const auto text = generator.event();
    ++seen[event_opinion(text).opinion];
    compare_event(text);
  }
  // Or the comparison is worth little.
  EXPECT_GT(seen[Opinion::valid], texts_per_test / 10);
  EXPECT_GT(seen[Opinion::invalid_event], texts_per_test / 10);
  EXPECT_GT(seen[Opinion::malformed_json], texts_per_test / 50);
}

TEST(Oracle, AgreesOnDamagedEvents) {
  EventGenerator generator(4711);
  int compared = 0;
  for (int i = 0; i < texts_per_test && !::testing::Test::HasFailure(); ++i) {
    compared += compare_event(generator.damaged(generator.event()));
  }
  EXPECT_GT(compared, texts_per_test / 2);
}

TEST(Oracle, AgreesOnJson) {
  EventGenerator generator(8259);
  for (int i = 0; i < texts_per_test && !::testing::Test::HasFailure(); ++i) {
    const auto text = generator.value(6);
    compare_json(text);
    compare_json(generator.damaged(text));
  }
}

TEST(Oracle, HasNoOpinionWhereItIsKnownToDiffer) {
  const std::string long_number(10'000, '9');
  for (const auto& data : {std::string("1e400"), long_number, std::string(R"("\ud800")")}) {
    const auto text = R"({"account_id":1,"data":)" + data + "}";
    EXPECT_EQ(event_opinion(text).opinion, Opinion::none);
    EXPECT_TRUE(Decoded(text).is_ok);
  }
}

}  // namespace
}  // namespace tracking::testing
