#include <tracking/code.h>
#include <tracking/event.h>
#include <tracking/version.h>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tracking {
namespace {

Code code(int number) { return static_cast<Code>(number); }

TEST(Codes, EveryCodeHasANameOfItsOwnATitleAndAStatus) {
  std::set<std::string_view> names;
  for (int i = 0; i < code_count; ++i) {
    EXPECT_TRUE(names.insert(name(code(i))).second) << name(code(i));
    EXPECT_FALSE(name(code(i)).empty());
    EXPECT_FALSE(title(code(i)).empty());
    EXPECT_GE(http_status(code(i)), 202);
    EXPECT_LE(http_status(code(i)), 504);
  }
}

TEST(Codes, ANameLeadsBackToItsCode) {
  for (int i = 0; i < code_count; ++i) EXPECT_EQ(code_from_name(name(code(i))), code(i));
  EXPECT_EQ(code_from_name(""), Code::internal);
  EXPECT_EQ(code_from_name("Unknown-Account"), Code::internal);
}

TEST(Codes, NumbersThatAreNoCodeReadAsInternal) {
  EXPECT_EQ(name(code(code_count)), "internal");
  EXPECT_EQ(http_status(code(255)), 500);
  EXPECT_FALSE(is_retriable(code(255)));
}

TEST(Codes, NumbersNeverChange) {
  EXPECT_EQ(static_cast<int>(Code::ok), 0);
  EXPECT_EQ(static_cast<int>(Code::in_doubt), 9);
  EXPECT_EQ(static_cast<int>(Code::not_ready), 24);
  EXPECT_EQ(static_cast<int>(Code::internal), 29);
}

TEST(Codes, StatusesAreThoseOfTheHttpDocument) {
  const std::pair<Code, int> statuses[] = {
      {Code::ok, 202},
      {Code::malformed_json, 400},
      {Code::invalid_event, 400},
      {Code::unknown_account, 404},
      {Code::inactive_account, 403},
      {Code::too_large, 413},
      {Code::broker_unavailable, 503},
      {Code::accounts_unavailable, 503},
      {Code::overloaded, 503},
      {Code::in_doubt, 504},
      {Code::ack_unavailable, 400},
      {Code::invalid_parameter, 400},
      {Code::bad_request, 400},
      {Code::unauthorized, 401},
      {Code::forbidden, 403},
      {Code::not_found, 404},
      {Code::method_not_allowed, 405},
      {Code::request_timeout, 408},
      {Code::account_exists, 409},
      {Code::length_required, 411},
      {Code::uri_too_long, 414},
      {Code::unsupported_type, 415},
      {Code::rate_limited, 429},
      {Code::headers_too_large, 431},
      {Code::not_ready, 503},
  };
  for (const auto& [wanted, status] : statuses) EXPECT_EQ(http_status(wanted), status) << name(wanted);
}

TEST(Codes, OnlyWhatAcceptedNothingMayBeRepeatedBlindly) {
  EXPECT_TRUE(is_retriable(Code::broker_unavailable));
  EXPECT_TRUE(is_retriable(Code::accounts_unavailable));
  EXPECT_TRUE(is_retriable(Code::overloaded));
  EXPECT_TRUE(is_retriable(Code::could_not_connect));
  EXPECT_FALSE(is_retriable(Code::closed));
  EXPECT_FALSE(is_retriable(Code::in_doubt));
  EXPECT_FALSE(is_retriable(Code::timed_out));
  EXPECT_FALSE(is_retriable(Code::unknown_account));
  EXPECT_FALSE(is_retriable(Code::ok));
}

TEST(AckLevels, HaveNames) {
  EXPECT_EQ(name(AckLevel::sent), "sent");
  EXPECT_EQ(name(AckLevel::stored), "stored");
  EXPECT_EQ(name(AckLevel::broker_default), "default");
}

TEST(Version, IsTheHeaders) {
  EXPECT_EQ(version(), std::to_string(TRACKING_VERSION_MAJOR) + "." + std::to_string(TRACKING_VERSION_MINOR) + "." +
                           std::to_string(TRACKING_VERSION_PATCH));
}

}  // namespace
}  // namespace tracking
