// Row 18 of the faults, as far as HTTP: whichever allocation fails, the answer says no more than what is true, and the
// ledger's equation holds.
#include <gtest/gtest.h>
#include <tracking/web.h>

#include <condition_variable>

#include "support/no_memory.h"
#include "unit_engine/support.h"

namespace tracking::test {
namespace {

// Answers of the routes are kept without an allocation.
struct OneReply final : web::Reply {
  void answer(const web::Answer& answer) noexcept override {
    const std::lock_guard lock(mutex);
    ++calls;
    status = answer.status;
    body_bytes = std::min(answer.body.size(), body.size());
    std::copy_n(answer.body.begin(), body_bytes, body.begin());
    arrived.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [this] { return calls > 0; });
  }
  std::string_view text() const { return {body.data(), body_bytes}; }
  std::mutex mutex;
  std::condition_variable arrived;
  int calls = 0;
  int status = 0;
  std::array<char, 4096> body{};
  std::size_t body_bytes = 0;
};

struct HttpCase {
  const char* type;
  const char* query;
  std::string body;
  bool in_pieces = false;
};

class NoMemoryForRequest : public ::testing::TestWithParam<std::tuple<MemoryFault, int>> {
 protected:
  static HttpCase request(int which) {
    const std::string one = R"({"account_id":1,"data":"foo"})";
    const std::string two = R"({"account_id":3,"data":[1,2,3],"id":"two"})";
    const std::string bad = R"({"account_id":9,"data":null})";
    switch (which) {
      case 0:
        return {"application/json", "", two};
      case 1:
        return {"application/json", "", "[" + one + "," + bad + "," + two + "]"};
      case 2:
        return {"application/x-ndjson", "", one + "\n" + bad + "\n{\n" + two + "\n"};
      default:
        return {"application/x-ndjson", "ack=sent", one + "\n" + bad + "\n{\n" + two + "\n", true};
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryForRequest,
                         ::testing::Combine(::testing::Values(MemoryFault::once, MemoryFault::lasting),
                                            ::testing::Range(0, 4)));

TEST_P(NoMemoryForRequest, TheAnswerIsHonestAndTheLedgerHolds) {
  const auto [fault, which] = GetParam();
  const HttpCase sent = request(which);
  std::unique_ptr<TrackingService> service;
  std::unique_ptr<Lane> lane;
  std::unique_ptr<web::Ledger> ledger;
  std::unique_ptr<web::EventRoutes> routes;
  std::unique_ptr<web::NdjsonIntake> intake;
  std::unique_ptr<OneReply> reply;
  std::string body;
  const int runs = for_each_allocation(
      fault,
      [&] {
        intake.reset();
        routes.reset();
        lane.reset();
        service = open_service();
        lane = service->lane();
        ledger = std::make_unique<web::Ledger>();
        routes = std::make_unique<web::EventRoutes>(*lane, *ledger, *service);
        reply = std::make_unique<OneReply>();
        body = sent.body;
      },
      [&] {
        if (sent.in_pieces) {
          intake = routes->ndjson(sent.query, *reply);
          if (!intake) {
            routes->refused(Code::overloaded);
            return;
          }
          for (std::size_t at = 0; at < body.size(); at += 7) intake->feed(std::string_view(body).substr(at, 7));
          intake->finish(true);
        } else {
          routes->post(web::Route::events,
                       {.method = "POST", .path = "/", .query = sent.query, .content_type = sent.type, .body = body},
                       *reply);
        }
        reply->wait();
      },
      [&] {
        const web::Ledger::Reading reading = ledger->read();
        std::uint64_t ended = reading.accepted;
        for (const auto& [type, count] : reading.rejected) ended += count;
        for (const auto& [type, count] : reading.failed) ended += count;
        EXPECT_EQ(reading.received, ended + reading.in_flight);
        EXPECT_EQ(reading.in_flight, 0u);
        const auto there = delivered(*service);
        EXPECT_EQ(there.size(), reading.accepted);
        if (!intake && sent.in_pieces) return;
        EXPECT_EQ(reply->calls, 1);
        EXPECT_TRUE(reply->status == 202 || reply->status == 503 || reply->status == 504) << reply->text();
        if (reply->status == 503) {
          EXPECT_TRUE(there.empty()) << reply->text();
        }
        if (reply->status == 202) {
          EXPECT_FALSE(there.empty()) << reply->text();
        }
      });
  EXPECT_GT(runs, 5);
}

}  // namespace
}  // namespace tracking::test
