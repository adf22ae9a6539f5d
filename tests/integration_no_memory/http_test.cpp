// Tracking at a distance while allocations fail: what the server took is accepted or in doubt, what is refused it has
// not seen, and all goes on afterwards.
#include <gtest/gtest.h>
#include <tracking/http.h>
#include <tracking/service.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <string_view>

#include "integration_no_memory/http_server.h"
#include "support/no_memory.h"

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events_max = 10;
constexpr std::array<std::string_view, events_max> ids = {"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"};

/// Accepts every event, and knows which came.
class AcceptingServer final : private HttpHandler {
 public:
  std::string url() const { return server_.url(); }
  int times_received(std::size_t event) const { return received_[event]; }
  void forget() {
    for (auto& count : received_) count = 0;
  }

 private:
  void answer(std::size_t peer, std::string_view /*head*/, std::string_view body) noexcept override {
    std::size_t events = 0;
    std::string_view id;
    for (std::size_t i = 0; i < events_max; ++i) {
      const std::array<char, 10> member = {'"', 'i', 'd', '"', ':', '"', 'e', static_cast<char>('0' + i), '"', ','};
      if (body.find(std::string_view(member.data(), member.size())) == std::string_view::npos) continue;
      ++received_[i];
      ++events;
      id = ids[i];
    }
    std::array<char, 256> json;
    const int size = body.starts_with('[')
                         ? std::snprintf(json.data(), json.size(), R"({"accepted":%zu,"ack":"stored"})", events)
                         : std::snprintf(json.data(), json.size(),
                                         R"({"id":"%.*s","timestamp":"2026-11-23T20:24:06.751257Z","ack":"stored"})",
                                         static_cast<int>(id.size()), id.data());
    std::array<char, 256> head;
    const int head_size =
        std::snprintf(head.data(), head.size(),
                      "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size);
    // In two pieces: a client that fails at the first must not take the second for the next answer.
    server_.send(peer, {head.data(), static_cast<std::size_t>(head_size)});
    server_.send(peer, {json.data(), static_cast<std::size_t>(size)});
  }

  std::array<std::atomic<int>, events_max> received_{};
  HttpServer server_{*this};
};

/// Receipts of a call, kept and waited for without an allocation.
struct Receipts {
  std::array<Receipt, events_max> all;
  std::size_t count = 0;
  std::atomic<int> calls = 0;

  ReceiptHandler handler() {
    return [this](std::span<const Receipt> receipts) {
      count = receipts.size();
      std::copy(receipts.begin(), receipts.end(), all.begin());
      ++calls;
      calls.notify_one();
    };
  }
  void wait() { calls.wait(0); }
};

struct NoMemoryAtADistance : ::testing::TestWithParam<MemoryFault> {
  std::unique_ptr<TrackingService> connect() {
    return TrackingService::connect(server.url() + "?connections=2", {http()}, {.ack = AckLevel::stored}).value();
  }
  void check(const Receipts& receipts, std::span<const Event> events) {
    ASSERT_EQ(receipts.calls, 1);
    ASSERT_TRUE(receipts.count == events.size() || (receipts.count == 0 && events.size() > 1)) << receipts.count;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Code code = receipts.count == 0 ? Code::overloaded : receipts.all[i].code;
      const auto event = static_cast<std::size_t>(events[i].id[1] - '0');
      if (code == Code::ok) {
        EXPECT_EQ(server.times_received(event), 1);
        EXPECT_EQ(receipts.all[i].id, events[i].id);
      } else if (code != Code::in_doubt) {
        EXPECT_EQ(code, Code::overloaded);
        EXPECT_EQ(server.times_received(event), 0);
      }
    }
  }
  AcceptingServer server;
};
INSTANTIATE_TEST_SUITE_P(Faults, NoMemoryAtADistance, ::testing::Values(MemoryFault::once, MemoryFault::lasting),
                         [](const auto& fault) { return fault.param == MemoryFault::once ? "Once" : "Lasting"; });

TEST_P(NoMemoryAtADistance, WhatIsRefusedWasNotSentAndWhatIsAcceptedWas) {
  std::unique_ptr<TrackingService> service;
  Receipts of_many;
  Receipts of_one;
  ReceiptHandler many_done;
  ReceiptHandler one_done;
  std::vector<Event> many;
  for (std::size_t i = 0; i < 7; ++i) {
    many.push_back({.account_id = static_cast<AccountId>(i % 2 + 1), .data = R"("some text")", .id = ids[i]});
  }
  const std::vector<Event> one{{.account_id = 1, .data = "1", .id = ids[7]}};
  const int runs = for_each_allocation(
      GetParam(),
      [&] {
        service.reset();
        server.forget();
        service = connect();
        of_many.calls = of_one.calls = 0;
        many_done = of_many.handler();
        one_done = of_one.handler();
      },
      [&] {
        service->track(many, std::move(many_done));
        of_many.wait();
        service->track(one, std::move(one_done));
        of_one.wait();
      },
      [&] {
        check(of_many, many);
        check(of_one, one);
        // With memory all goes on, and each answer is that of its own request.
        for (std::size_t i = 8; i < events_max; ++i) {
          for (const AccountId account : {1, 2}) {
            const auto receipt = service->track({.account_id = account, .data = "2", .id = ids[i]});
            ASSERT_TRUE(receipt) << receipt.error().message();
            EXPECT_EQ(receipt->id, ids[i]);
          }
        }
        EXPECT_TRUE(service->close(10s));
      });
  EXPECT_GT(runs, 20);
}

TEST_P(NoMemoryAtADistance, AdministrationAnswersWithACode) {
  const auto service = TrackingService::connect(server.url() + "?admin=" + server.url(), {http()}).value();
  const Account account{.id = 70, .name = "a name that is too long to be kept in place"};
  std::array<Code, 5> codes{};
  const int runs = for_each_allocation(
      GetParam(), [] {},
      [&] {
        codes = {service->list_accounts(0, 10).code(), service->get_account(70).code(),
                 service->add_account(account).code(), service->change_account(70, {.is_active = false}).code(),
                 service->remove_account(70).code()};
      },
      [&] {
        for (std::size_t i = 0; i < codes.size(); ++i) {
          // The server takes each, but its answer is neither an account nor a list of them.
          const bool is_read = i < 2 || i == 3;
          const Code code = codes[i];
          EXPECT_TRUE(code == Code::overloaded || code == Code::in_doubt ||
                      (is_read ? code == Code::internal : code == Code::ok))
              << i << ": " << name(code);
        }
      });
  EXPECT_EQ(codes[2], Code::ok);
  EXPECT_GT(runs, 50);
}

TEST_P(NoMemoryAtADistance, ALaneIsThereOrNot) {
  const auto service = connect();
  std::unique_ptr<Lane> lane;
  for_each_allocation(
      GetParam(), [&] { lane.reset(); }, [&] { lane = service->lane(); }, [] {});
  EXPECT_TRUE(lane);
}

}  // namespace
}  // namespace tracking::test
