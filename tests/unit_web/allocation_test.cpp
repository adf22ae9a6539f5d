// On the hit path the routes allocate nothing for an event.
#include <gtest/gtest.h>
#include <tracking/web.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "unit_web/fake_service.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// NOLINTBEGIN(misc-new-delete-overloads)
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(misc-new-delete-overloads)

namespace tracking::web {
namespace {

/// Accepts everything at once.
struct InlineLane final : Lane {
  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions) noexcept override {
    static Receipt receipts[256];
    for (Receipt& receipt : receipts) {
      receipt.code = code;
      receipt.ack = AckLevel::sent;
      receipt.id.assign("01936f5e-8c1a-7cc3-98c4-dc0c0c07398f");
    }
    done(std::span(receipts).first(events.size()));
  }
  Code code = Code::ok;
};

struct CountingReply final : Reply {
  void answer(const Answer& answer) noexcept override { statuses += answer.status; }
  int statuses = 0;
};

class Allocations : public ::testing::Test {
 protected:
  void post(std::string_view event, std::string_view query = {}) {
    event.copy(body_, sizeof body_);
    routes.post(Route::events,
                {.method = "POST",
                 .path = "/",
                 .query = query,
                 .content_type = "application/json",
                 .body = {body_, event.size()}},
                reply);
  }

  FakeService service;
  InlineLane lane;
  Ledger ledger;
  EventRoutes routes{lane, ledger, service};
  CountingReply reply;

 private:
  char body_[65536];
};

TEST_F(Allocations, NoneForAnEvent) {
  constexpr std::string_view event = R"({"account_id":1,"id":"mine","data":{"a":[1,2,3]}})";
  post(event, "ack=sent");
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) post(event, "ack=sent");
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(reply.statuses, 1001 * 202);
}

TEST_F(Allocations, NoneToTellThatAnEventWasRefused) {
  constexpr std::string_view event = R"({"account_id":9223372036854775807,"data":1})";
  for (const Code code : {Code::unknown_account, Code::inactive_account, Code::accounts_unavailable,
                          Code::broker_unavailable, Code::overloaded, Code::in_doubt, Code::too_large}) {
    lane.code = code;
    post(event);
    const std::uint64_t before = allocations;
    post(event);
    EXPECT_EQ(allocations - before, 0u) << name(code);
  }
}

TEST_F(Allocations, NoneForAnArrayOnceItsBuffersHaveGrown) {
  constexpr std::string_view events = R"([{"account_id":1,"data":1},{"account_id":1,"data":2}])";
  post(events);
  const std::uint64_t before = allocations;
  for (int i = 0; i < 100; ++i) post(events);
  EXPECT_EQ(allocations - before, 0u);
}

TEST_F(Allocations, NoneForALineOfNdjson) {
  std::string body;
  for (int i = 0; i < 256; ++i) body += "{\"account_id\":1,\"data\":\"foo\"}\n";
  const auto intake = routes.ndjson({}, reply);
  intake->feed(body);
  intake->feed(body);
  const std::uint64_t before = allocations;
  for (int i = 0; i < 100; ++i) intake->feed(body);
  EXPECT_LE(allocations - before, 10u) << "a node of the queue now and then, for 25,600 events";
  intake->finish(true);
}

}  // namespace
}  // namespace tracking::web
