// The routes over a real engine in memory: what the fake cannot show.
#include <tracking/tracking.h>

#include <atomic>
#include <future>
#include <thread>

#include "unit_web/fixture.h"

namespace tracking::web {
namespace {

using namespace std::chrono_literals;

/// The first event of an account is answered from the thread that looked the account up.
struct WaitingReply final : Reply {
  void answer(const Answer& answer) noexcept override { promise.set_value({answer.status, std::string(answer.body)}); }
  std::pair<int, std::string> wait() {
    auto future = promise.get_future();
    if (future.wait_for(10s) != std::future_status::ready) return {0, "no answer"};
    return future.get();
  }
  std::promise<std::pair<int, std::string>> promise;
};

class OverTheEngine : public ::testing::Test {
 protected:
  std::pair<int, std::string> post(std::string body, std::string_view content_type = {}, std::string_view path = "/") {
    WaitingReply reply;
    std::string_view allow;
    routes.post(find_route("POST", path, allow),
                {.method = "POST", .path = path, .query = {}, .content_type = content_type, .body = body}, reply);
    return reply.wait();
  }

  std::unique_ptr<TrackingService> service =
      TrackingService::open({.accounts = "memory:?active=1,3&inactive=2"}).value();
  std::unique_ptr<Lane> lane = service->lane();
  Ledger ledger;
  EventRoutes routes{*lane, ledger, *service};
};

TEST_F(OverTheEngine, AcceptedEventsReachASubscriberByteForByte) {
  auto subscriber = service->subscribe().value();
  EXPECT_EQ(post(R"({"account_id":1,"data": {"n":1e400,"s":"\ud800"} })").first, 202);
  EXPECT_EQ(post("hello", "text/plain", "/3").first, 202);
  const auto first = subscriber->next(10s);
  const auto second = subscriber->next(10s);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->event()->data, R"({"n":1e400,"s":"\ud800"})");
  EXPECT_EQ(second->event()->data, R"("hello")");
}

TEST_F(OverTheEngine, ARepeatIsADuplicateWithTheFirstAnswersTimestamp) {
  const auto first = post(R"({"account_id":1,"id":"x","data":1})").second;
  const auto second = post(R"({"account_id":1,"id":"x","data":1})").second;
  EXPECT_EQ(second, first.substr(0, first.size() - 1) + R"(,"duplicate":true})");
}

TEST_F(OverTheEngine, RefusesAccountsThatAreUnknownOrInactive) {
  EXPECT_EQ(post(R"({"account_id":9,"data":1})").first, 404);
  EXPECT_EQ(post(R"({"account_id":2,"data":1})").first, 403);
}

TEST_F(OverTheEngine, TellsWhatBecameOfEachEventOfABatch) {
  const auto [status, body] =
      post(R"([{"account_id":1,"data":1},{"account_id":9,"data":1},{"account_id":3,"data":1}])");
  EXPECT_EQ(status, 202);
  EXPECT_EQ(body.substr(0, 63), R"({"accepted":2,"rejected":[{"index":1,"status":404,"type":"unkno)");
  const auto lines = post("{\"account_id\":1,\"data\":1}\n{\"account_id\":9,\"data\":1}\n", "application/x-ndjson");
  EXPECT_EQ(lines.second.substr(0, 63), R"({"accepted":1,"rejected":[{"index":1,"status":404,"type":"unkno)");
}

TEST_F(OverTheEngine, AClosedServiceIsUnavailable) {
  service->close(1s).ignore();
  const auto [status, body] = post(R"({"account_id":1,"data":1})");
  EXPECT_EQ(status, 503);
  EXPECT_NE(body.find("broker-unavailable"), std::string::npos);
}

/// Knows accounts 1 and 3, until it does not answer any more.
struct FailingAccounts final : AccountRepository {
  explicit FailingAccounts(std::shared_ptr<std::atomic<bool>> down) : is_down(std::move(down)) {}
  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override {
    if (*is_down) return {Code::accounts_unavailable, "switched off by the test"};
    for (std::size_t i = 0; i < ids.size(); ++i) {
      states[i] = ids[i] == 1 || ids[i] == 3 ? AccountState::active : AccountState::unknown;
    }
    return {};
  }
  Status ping() noexcept override {
    return *is_down ? Status(Code::accounts_unavailable, "switched off by the test") : Status();
  }
  std::shared_ptr<std::atomic<bool>> is_down;
};

class WithoutItsAccounts : public ::testing::Test {
 protected:
  void SetUp() override {
    EXPECT_EQ(post(R"({"account_id":1,"data":0})").first, 202);  // cached from here on
    *is_down = true;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (service->readiness().accounts.is_ok() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(1ms);
    }
    // The first who asks may still have to wait for the answer that there is none.
    EXPECT_EQ(post(R"({"account_id":4,"data":0})").first, 503);
  }

  std::pair<int, std::string> post(std::string body, std::string_view content_type = {}) {
    WaitingReply reply;
    routes.post(Route::events, {.method = "POST", .path = "/", .query = {}, .content_type = content_type, .body = body},
                reply);
    return reply.wait();
  }

  std::shared_ptr<std::atomic<bool>> is_down = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<TrackingService> service =
      TrackingService::open(std::make_unique<FailingAccounts>(is_down), "memory:").value();
  std::unique_ptr<Lane> lane = service->lane();
  Ledger ledger;
  EventRoutes routes{*lane, ledger, *service};
};

TEST_F(WithoutItsAccounts, NothingBehindAStopIsTaken) {
  const auto accepted_before = ledger.read().accepted;
  const auto [status, body] =
      post(R"([{"account_id":1,"data":1},{"account_id":9,"data":2},{"account_id":1,"data":3}])");
  EXPECT_EQ(status, 202);
  EXPECT_EQ(body, R"({"accepted":1,"rejected":[],"ack":"sent","stopped_at":1,"type":"accounts-unavailable"})");
  EXPECT_EQ(ledger.read().accepted - accepted_before, 1u);
}

TEST_F(WithoutItsAccounts, ABatchThatStopsAtItsFirstEventAcceptsNothing) {
  const auto accepted_before = ledger.read().accepted;
  EXPECT_EQ(post(R"([{"account_id":9,"data":1},{"account_id":1,"data":2}])").first, 503);
  const auto lines = post("{\"account_id\":9,\"data\":1}\n{\"account_id\":1,\"data\":2}\n", "application/x-ndjson");
  EXPECT_EQ(lines.first, 503);
  EXPECT_EQ(lines.second, R"({"accepted":0,"rejected":[],"ack":"sent","stopped_at":0,"type":"accounts-unavailable"})");
  EXPECT_EQ(ledger.read().accepted, accepted_before);
}

}  // namespace
}  // namespace tracking::web
