#include <gtest/gtest.h>
#include <tracking/web.h>

#include <thread>
#include <vector>

namespace tracking::web {
namespace {

std::uint64_t sum(const std::map<std::string_view, std::uint64_t>& counts) {
  std::uint64_t total = 0;
  for (const auto& [type, count] : counts) total += count;
  return total;
}

void expect_balanced(const Ledger::Reading& reading) {
  ASSERT_EQ(reading.received, reading.accepted + sum(reading.rejected) + sum(reading.failed) + reading.in_flight);
  ASSERT_LT(reading.in_flight, std::uint64_t{1} << 62);  // negative would wrap
}

TEST(Ledger, TellsRejectionsFromFailures) {
  Ledger ledger;
  ledger.received(4);
  ledger.ended(Code::ok);
  ledger.ended(Code::unknown_account);
  ledger.ended(Code::in_doubt);
  EXPECT_EQ(ledger.json(),
            R"({"received":4,"accepted":1,"rejected":{"unknown-account":1},"failed":{"in-doubt":1},"in_flight":1})");
}

// Events begin on one thread and end on another; a separate count brackets what each reading may say.
TEST(Ledger, BalancesInEveryReadingUnderLoad) {
  constexpr int pairs = 3;
  constexpr std::uint64_t events = 60'000;
  const Code codes[] = {Code::ok, Code::ok, Code::unknown_account, Code::broker_unavailable, Code::in_doubt};
  Ledger ledger;
  std::atomic<std::uint64_t> begun_before{0};  // counted before received()
  std::atomic<std::uint64_t> ended_after{0};   // counted after ended()
  std::atomic<int> running{pairs};
  std::vector<std::thread> threads;
  std::vector<std::atomic<std::uint64_t>> handed(pairs);
  for (int pair = 0; pair < pairs; ++pair) {
    threads.emplace_back([&, pair] {
      for (std::uint64_t i = 0; i < events; ++i) {
        begun_before.fetch_add(1);
        ledger.received();
        handed[pair].store(i + 1, std::memory_order_release);
      }
    });
    threads.emplace_back([&, pair] {
      for (std::uint64_t i = 0; i < events; ++i) {
        while (handed[pair].load(std::memory_order_acquire) <= i) std::this_thread::yield();
        ledger.ended(codes[i % std::size(codes)]);
        ended_after.fetch_add(1);
      }
      --running;
    });
  }
  std::uint64_t readings = 0;
  while (running > 0) {
    const std::uint64_t ended_at_least = ended_after.load();
    const Ledger::Reading reading = ledger.read();
    const std::uint64_t begun_at_most = begun_before.load();
    expect_balanced(reading);
    ASSERT_LE(reading.received, begun_at_most);
    ASSERT_GE(reading.received - reading.in_flight, ended_at_least);
    ++readings;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GT(readings, 10u);
  const Ledger::Reading last = ledger.read();
  expect_balanced(last);
  EXPECT_EQ(last.received, pairs * events);
  EXPECT_EQ(last.in_flight, 0u);
  EXPECT_EQ(last.accepted, pairs * events * 2 / 5);
  EXPECT_EQ(last.failed.at("in-doubt"), pairs * events / 5);
}

}  // namespace
}  // namespace tracking::web
