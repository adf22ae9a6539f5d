// What a lane makes of events: checks, stamps, lines, order.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "unit_engine/support.h"

namespace tracking::test {
namespace {

std::vector<EventFields> fields_of(const std::vector<std::string>& lines) {
  std::vector<EventFields> fields;
  for (const std::string& line : lines) fields.push_back(parse_event_line(line).value());
  return fields;
}

TEST(Lane, AnEventBecomesALineWithItsReceipt) {
  RecordedService recorded;
  const Receipt receipt = recorded.service->track({.account_id = 1, .data = R"({"b":1.50,"a":[]})"}).value();
  const auto lines = recorded.broker->lines();
  ASSERT_EQ(lines.size(), 1u);
  const EventFields event = parse_event_line(lines[0]).value();
  EXPECT_EQ(event.id, receipt.id.view());
  EXPECT_EQ(event.account_id, 1);
  EXPECT_EQ(event.timestamp, receipt.timestamp);
  EXPECT_EQ(event.sequence, 1u);
  EXPECT_EQ(event.producer.size(), 8u);
  EXPECT_EQ(event.data, R"({"b":1.50,"a":[]})");
  EXPECT_EQ(receipt.ack, AckLevel::sent);
  EXPECT_FALSE(receipt.duplicate);
}

TEST(Lane, InactiveAndUnknownAccountsAreRefusedWithoutAskingTheBroker) {
  RecordedService recorded;
  EXPECT_EQ(recorded.service->track({.account_id = 2, .data = "1"}).code(), Code::inactive_account);
  EXPECT_EQ(recorded.service->track({.account_id = 9, .data = "1"}).code(), Code::unknown_account);
  EXPECT_TRUE(recorded.broker->lines().empty());
}

TEST(Lane, WhatIsWrongWithAnEventIsSaid) {
  RecordedService recorded({.data_bytes_max = 10});
  const auto code = [&](const Event& event) { return recorded.service->track(event).code(); };
  EXPECT_EQ(code({.account_id = 0, .data = "1"}), Code::invalid_event);
  EXPECT_EQ(code({.account_id = -1, .data = "1"}), Code::invalid_event);
  EXPECT_EQ(code({.account_id = 1, .data = "1", .id = "a b"}), Code::invalid_event);
  EXPECT_EQ(code({.account_id = 1, .data = "1", .id = std::string_view("x\0y", 3)}), Code::invalid_event);
  EXPECT_EQ(code({.account_id = 1, .data = "nul"}), Code::malformed_json);
  EXPECT_EQ(code({.account_id = 1, .data = ""}), Code::malformed_json);
  EXPECT_EQ(code({.account_id = 1, .data = "1234567890"}), Code::ok);
  EXPECT_EQ(code({.account_id = 1, .data = "12345678901"}), Code::too_large);
  const auto message = recorded.service->track({.account_id = 1, .data = "[1,]"}).error().message();
  EXPECT_NE(message.find("byte 3"), std::string::npos) << message;
}

TEST(Lane, RawLineBreaksBetweenTokensBecomeSpaces) {
  RecordedService recorded;
  ASSERT_TRUE(recorded.service->track({.account_id = 1, .data = "\n{\"a\":\r\n\"x\\ny\"}\n"}));
  EXPECT_EQ(fields_of(recorded.broker->lines())[0].data, "{\"a\":  \"x\\ny\"}");
}

TEST(Lane, OccurredAtAndTheCallersIdAreKept) {
  RecordedService recorded;
  const Timestamp occurred{1'700'000'000'000'001us};
  const Receipt receipt =
      recorded.service->track({.account_id = 1, .data = "1", .id = "order:17", .occurred_at = occurred}).value();
  EXPECT_EQ(receipt.id.view(), "order:17");
  const auto lines = recorded.broker->lines();
  const auto event = parse_event_line(lines[0]).value();
  EXPECT_EQ(event.id, "order:17");
  EXPECT_EQ(event.occurred_at, occurred);
}

TEST(Lane, SequencesCountPerAccount) {
  RecordedService recorded;
  const std::vector<Event> batch{
      {.account_id = 1, .data = "1"}, {.account_id = 3, .data = "2"}, {.account_id = 1, .data = "3"}};
  recorded.service->track(batch);
  recorded.service->track(batch);
  std::map<AccountId, std::uint64_t> last;
  const auto lines = recorded.broker->lines();
  for (const EventFields& event : fields_of(lines)) EXPECT_EQ(event.sequence, ++last[event.account_id]);
  EXPECT_EQ(last[1], 4u);
  EXPECT_EQ(last[3], 2u);
}

TEST(Lane, IdsOfABatchDifferAlsoWhenTheClockStandsStill) {
  testing::ManualClock clock;
  RecordedService recorded({.clock = &clock});
  const std::vector<Event> batch(10'000, Event{.account_id = 1, .data = Data::trusted("1")});
  std::set<std::string> ids;
  for (const Receipt& receipt : recorded.service->track(batch)) {
    ASSERT_EQ(receipt.code, Code::ok);
    ids.insert(std::string(receipt.id.view()));
  }
  EXPECT_EQ(ids.size(), batch.size());
}

TEST(Lane, TimestampsNeverGoBackWithinAProducer) {
  testing::ManualClock clock;
  RecordedService recorded({.clock = &clock});
  const auto first = recorded.service->track({.account_id = 1, .data = "1"}).value();
  clock.jump(-3600s);
  const auto second = recorded.service->track({.account_id = 1, .data = "1"}).value();
  EXPECT_GE(second.timestamp, first.timestamp);
  EXPECT_GT(second.id.view(), first.id.view());
  clock.jump(2 * 3600s);
  EXPECT_GT(recorded.service->track({.account_id = 1, .data = "1"}).value().timestamp, second.timestamp);
}

TEST(Lane, EachEventOfABatchHasItsOwnReceipt) {
  RecordedService recorded;
  const std::vector<Event> batch{{.account_id = 1, .data = "1"},
                                 {.account_id = 9, .data = "1"},
                                 {.account_id = 2, .data = "1"},
                                 {.account_id = 1, .data = "}"},
                                 {.account_id = 3, .data = "2"}};
  const auto receipts = recorded.service->track(batch);
  ASSERT_EQ(receipts.size(), 5u);
  EXPECT_EQ(receipts[0].code, Code::ok);
  EXPECT_EQ(receipts[1].code, Code::unknown_account);
  EXPECT_EQ(receipts[2].code, Code::inactive_account);
  EXPECT_EQ(receipts[3].code, Code::malformed_json);
  EXPECT_EQ(receipts[4].code, Code::ok);
  EXPECT_EQ(recorded.broker->lines().size(), 2u);
}

TEST(Lane, AnEmptyBatchCompletes) {
  RecordedService recorded;
  Receipts receipts;
  recorded.service->track({}, receipts.handler());
  EXPECT_EQ(receipts.calls, 1);
  EXPECT_TRUE(receipts.all.empty());
}

TEST(Lane, ABatchLargerThanAGroupIsPublishedWhole) {
  RecordedService recorded;
  const std::string data = '"' + std::string(100'000, 'x') + '"';
  const std::vector<Event> batch(50, Event{.account_id = 1, .data = data});
  for (const Receipt& receipt : recorded.service->track(batch)) EXPECT_EQ(receipt.code, Code::ok);
  const auto lines = recorded.broker->lines();
  ASSERT_EQ(lines.size(), 50u);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(parse_event_line(lines[i])->sequence, i + 1);
}

TEST(Lane, AnAckLevelThatTheBrokerCannotGiveIsRefused) {
  RecordedService recorded;
  EXPECT_EQ(recorded.service->track({.account_id = 1, .data = "1"}, {.ack = AckLevel::stored}).code(),
            Code::ack_unavailable);
  EXPECT_TRUE(recorded.broker->lines().empty());
}

TEST(Lane, OutcomesOfSingleLinesReachTheirEvents) {
  RecordedService recorded;
  recorded.broker->is_holding = true;
  Receipts receipts;
  const std::vector<Event> batch(3, Event{.account_id = 1, .data = "1"});
  recorded.service->track(batch, receipts.handler());
  EXPECT_EQ(receipts.calls, 0);
  Completion done = recorded.broker->take_held();
  done.one(1, {.code = Code::broker_unavailable});
  done.one(7, {.code = Code::ok});
  done.all(AckLevel::sent);
  ASSERT_EQ(receipts.calls, 1);
  EXPECT_EQ(receipts.all[0].code, Code::ok);
  EXPECT_EQ(receipts.all[1].code, Code::broker_unavailable);
  EXPECT_EQ(receipts.all[2].code, Code::ok);
}

TEST(Lane, ADroppedCompletionIsInDoubt) {
  RecordedService recorded;
  recorded.broker->is_holding = true;
  Receipts receipts;
  const Event event{.account_id = 1, .data = "1"};
  recorded.service->track(std::span(&event, 1), receipts.handler());
  { const Completion dropped = recorded.broker->take_held(); }
  ASSERT_EQ(receipts.calls, 1);
  EXPECT_EQ(receipts.all[0].code, Code::in_doubt);
  EXPECT_FALSE(receipts.all[0].id.empty()) << "a repeat needs the id";
}

// Completes what it was given before at the next publish(), on the caller's thread.
class LaggingBroker final : public Broker {
 public:
  void publish(Lines, Completion done) noexcept override {
    if (earlier_) earlier_->all(AckLevel::sent);
    earlier_.emplace(std::move(done));
  }

 private:
  std::optional<Completion> earlier_;
};

TEST(Lane, ABrokerMayCompleteEarlierEventsInsideALaterPublish) {
  auto service = TrackingService::open(std::make_unique<FixedAccounts>(), std::make_unique<LaggingBroker>()).value();
  auto lane = service->lane();
  constexpr int events = 100;
  const Event event{.account_id = 1, .data = "1"};
  const Event refused{.account_id = -1, .data = "1"};
  std::atomic<int> completed{0};
  // The handler takes the lane's lock again: it must not run while the lane publishes.
  const auto track_again = [&](std::span<const Receipt>) {
    lane->track(std::span(&refused, 1), [&](std::span<const Receipt>) { ++completed; });
  };
  for (int i = 0; i < events; ++i) lane->track(std::span(&event, 1), track_again);
  while (service->stats().events_parked > 0) std::this_thread::yield();  // the account is looked up by another thread
  // The last publish() has none after it: what it carried is in doubt at the end.
  EXPECT_EQ(service->close(100ms).code(), Code::timed_out);
  EXPECT_EQ(completed, events);
  lane.reset();
  service.reset();
  EXPECT_EQ(completed, events);
}

TEST(Lane, AHandlerMayTrackAgain) {
  RecordedService recorded;
  const Event event{.account_id = 1, .data = "1"};
  Receipts inner;
  recorded.service->track(std::span(&event, 1), [&](std::span<const Receipt>) {
    recorded.service->track(std::span(&event, 1), inner.handler());
  });
  EXPECT_EQ(inner.calls, 1);
  EXPECT_EQ(recorded.broker->lines().size(), 2u);
}

TEST(Lane, LanesAreProducersOfTheirOwn) {
  RecordedService recorded;
  const auto first = recorded.service->lane();
  const auto second = recorded.service->lane();
  const Event event{.account_id = 1, .data = "1"};
  std::promise<void> both;
  Receipts receipts;
  first->track(std::span(&event, 1), receipts.handler());
  second->track(std::span(&event, 1), receipts.handler());
  const auto lines = recorded.broker->lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(parse_event_line(lines[0])->producer, parse_event_line(lines[1])->producer);
  EXPECT_EQ(parse_event_line(lines[1])->sequence, 1u);
}

// Accounts that are looked up meanwhile must not let later events overtake earlier ones.
TEST(Lane, OrderPerProducerAndAccountHoldsUnderThreadsAndMisses) {
  constexpr int threads = 4;
  constexpr int batches = 300;
  std::vector<Account> accounts;
  for (AccountId id = 1; id <= 50; ++id) accounts.push_back({.id = id, .name = "a"});
  auto broker = std::make_shared<RecordingBroker>();
  auto service = TrackingService::open(accounts, broker, {.account_ttl = 1ms, .account_cache_max = 16}).value();
  std::vector<std::thread> workers;
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      for (int i = 0; i < batches; ++i) {
        std::vector<std::string> data;
        std::vector<Event> batch;
        for (int k = 0; k < 5; ++k) data.push_back(std::to_string(worker * 1'000'000 + i * 5 + k));
        for (int k = 0; k < 5; ++k)
          batch.push_back({.account_id = 1 + (i * 7 + k / 2) % 50, .data = data[static_cast<std::size_t>(k)]});
        for (const Receipt& receipt : service->track(batch)) ASSERT_EQ(receipt.code, Code::ok);
      }
    });
  }
  for (auto& worker : workers) worker.join();
  const auto lines = broker->lines();
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(threads * batches * 5));
  std::map<std::pair<std::string, AccountId>, std::uint64_t> last;
  std::map<std::pair<int, AccountId>, int> last_data;
  for (const std::string& line : lines) {
    const auto event = parse_event_line(line).value();
    EXPECT_EQ(event.sequence, ++last[std::make_pair(std::string(event.producer), event.account_id)]);
    const int data = std::stoi(std::string(event.data));
    auto& before = last_data[{data / 1'000'000, event.account_id}];
    EXPECT_LE(before, data);
    before = data;
  }
}

}  // namespace
}  // namespace tracking::test
