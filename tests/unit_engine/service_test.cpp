// Opening: by URL, by objects, and what is said when it fails.
#include <gtest/gtest.h>

#include <thread>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

TEST(Service, OpensOverMemoryByDefault) {
  auto service = TrackingService::open({.accounts = "memory:?active=1"}).value();
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!service->readiness().is_ready() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(service->readiness().is_ready()) << "unready only until the repository was asked once";
  EXPECT_EQ(service->default_ack(), AckLevel::sent);
  EXPECT_TRUE(service->track({.account_id = 1, .data = "1"}));
}

TEST(Service, AnUnknownSchemeListsWhatIsLinkedIn) {
  const auto service = TrackingService::open({.broker = "nowhere://user:secret@host/"});
  ASSERT_FALSE(service);
  EXPECT_NE(service.error().message().find("nowhere"), std::string::npos);
  EXPECT_NE(service.error().message().find("memory:"), std::string::npos);
  EXPECT_EQ(service.error().message().find("secret"), std::string::npos);
}

TEST(Service, AnAckLevelThatTheBrokerCannotGiveIsAnErrorAtOpening) {
  const auto service = TrackingService::open({.ack = AckLevel::stored});
  EXPECT_EQ(service.code(), Code::ack_unavailable);
}

TEST(Service, ABrokerThatCanOnlyPublishSaysSo) {
  RecordedService recorded;
  EXPECT_EQ(recorded.service->subscribe().code(), Code::unsupported);
}

TEST(Service, ValueThrowsInTheCallersCode) {
  EXPECT_THROW(TrackingService::open({.accounts = "nowhere:"}).value(), Error);
}

TEST(Service, TheBrokersLimitBoundsTheData) {
  auto broker = std::make_shared<RecordingBroker>();
  broker->traits_value.line_bytes_max = 10'000;
  auto service = TrackingService::open("memory:?active=1", broker).value();
  EXPECT_EQ(service->data_bytes_max(), 10'000u - 4'096u);
}

TEST(Service, AccountsAreChangedThroughIt) {
  auto service = TrackingService::open({.accounts = "memory:"}).value();
  EXPECT_EQ(service->track({.account_id = 5, .data = "1"}).code(), Code::unknown_account);
  ASSERT_TRUE(service->add_account({.id = 5, .name = "Five"}));
  EXPECT_TRUE(service->track({.account_id = 5, .data = "1"}));
  ASSERT_TRUE(service->change_account(5, {.is_active = false}));
  EXPECT_EQ(service->track({.account_id = 5, .data = "1"}).code(), Code::inactive_account);
  ASSERT_TRUE(service->remove_account(5));
  EXPECT_EQ(service->track({.account_id = 5, .data = "1"}).code(), Code::unknown_account);
}

TEST(Service, BadStartsAreRefused) {
  auto service = TrackingService::open({}).value();
  EXPECT_EQ(service->subscribe({.since = "yesterday"}).code(), Code::invalid_parameter);
  EXPECT_EQ(service->subscribe({.since = "2026-13-01T00:00:00Z"}).code(), Code::invalid_parameter);
}

TEST(Service, AMemoryBrokersHistoryCanBeBounded) {
  EXPECT_TRUE(TrackingService::open({.broker = "memory:?history=1MiB"}));
  EXPECT_EQ(TrackingService::open({.broker = "memory:?history=much"}).code(), Code::invalid_parameter);
  EXPECT_EQ(TrackingService::open({.broker = "memory:?size=1MiB"}).code(), Code::invalid_parameter);
  EXPECT_EQ(TrackingService::open({.broker = "memory:path"}).code(), Code::invalid_parameter);
}

}  // namespace
}  // namespace tracking::test
