// Subscribing through a broker and at a distance, while the server comes and goes, and strangers publish.
#include "integration_nats/nats_support.h"

#include <tracking/nats.h>
#include <tracking/service.h>

namespace tracking::test {
namespace {

using namespace std::chrono_literals;

std::string line(AccountId account_id, std::uint64_t sequence, std::string_view data) {
  std::string text = R"({"id":"id-)" + std::to_string(sequence) + R"(","account_id":)" + std::to_string(account_id) +
                     R"(,"timestamp":"2026-11-23T20:24:06.751257Z",)";
  if (sequence > 0) text += R"("producer":"stranger","sequence":)" + std::to_string(sequence) + ',';
  return text + R"("data":)" + std::string(data) + '}';
}

/// Publishes what it likes.
class Stranger {
 public:
  explicit Stranger(const NatsServer& server) {
    EXPECT_EQ(natsConnection_ConnectTo(&connection_, server.url().c_str()), NATS_OK);
  }
  ~Stranger() { natsConnection_Destroy(connection_); }
  void publish(const std::string& subject, std::string_view payload) {
    EXPECT_EQ(natsConnection_Publish(connection_, subject.c_str(), payload.data(), static_cast<int>(payload.size())),
              NATS_OK);
  }
  /// Returns when the server has all of it.
  void flush() { EXPECT_EQ(natsConnection_FlushTimeout(connection_, 20'000), NATS_OK); }

 private:
  natsConnection* connection_ = nullptr;
};

/// Data of the next event, or "[reason missed account]" of a gap.
std::string next(Subscriber& subscriber, std::chrono::milliseconds timeout = 20s) {
  const auto delivery = subscriber.next(timeout);
  if (!delivery) return "";
  if (delivery->event()) return std::string(delivery->event()->data);
  const Gap& gap = *delivery->gap();
  std::string text = "[" + gap.reason;
  if (gap.missed) text += ' ' + std::to_string(*gap.missed);
  if (gap.account_id) text += " of " + std::to_string(*gap.account_id);
  return text + "]";
}

class NatsSubscribe : public ::testing::Test {
 protected:
  void open() {
    broker_ =
        Backends({nats()}).open_broker({.url = BackendUrl::parse(server_.url()).value(), .log = log_.sink()}).value();
  }
  std::unique_ptr<Subscriber> subscribe(const SubscribeOptions& options = {}) {
    return Subscriber::adopt([&](Wake wake) { return broker_->subscribe(options, std::move(wake)); }).value();
  }
  std::unique_ptr<Subscriber> from_afar(const SubscribeOptions& options = {}, const std::string& parameters = "") {
    return Subscriber::open(server_.url() + parameters, options, {nats()}).value();
  }
  bool comes_up() const {
    return eventually([&] { return broker_->health().is_ok(); });
  }
  /// The broker is up, and has its subscription: nobody waits for that any more, who would do so for a moment only.
  bool is_live() const {
    return comes_up() && eventually([&] {
             const auto subscription = broker_->subscribe({}, [] {}).value();
             Deliveries told;
             subscription->read(told, 1, 1 << 20);
             return told.empty();
           });
  }

  NatsServer server_;
  LogLines log_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(NatsSubscribe, StrangersEventsAreDeliveredAndTheRestIsSkippedAndCounted) {
  server_.start();
  open();
  ASSERT_TRUE(is_live());
  auto subscriber = subscribe();
  Stranger stranger(server_);
  stranger.publish("tracking.events.7", line(7, 0, "\"uncounted\""));
  for (const std::string garbage : {"", "garbage", "{}", "\xff\xfe", "[1,2]"})
    stranger.publish("tracking.events.7", garbage);
  stranger.publish("tracking.events.7", line(8, 0, "\"of another account\""));
  stranger.publish("tracking.events.7", line(7, 0, "\"two\nlines\""));
  for (const std::string subject :
       {"tracking.events.x", "tracking.events.0", "tracking.events.07", "tracking.events.-7"})
    stranger.publish(subject, line(7, 0, "1"));
  stranger.publish("tracking.events.9223372036854775807", line(9223372036854775807, 0, "\"last\""));
  EXPECT_EQ(next(*subscriber), "\"uncounted\"");
  EXPECT_EQ(next(*subscriber), "\"last\"");
  EXPECT_EQ(log_.count("skipped a message on tracking.events.7"), 1u) << "the first is told, not each";
}

TEST_F(NatsSubscribe, MissingNumbersAreAGapOfTheirAccount) {
  server_.start();
  open();
  ASSERT_TRUE(is_live());
  auto subscriber = subscribe();
  auto other = subscribe({.account_ids = {2}});
  Stranger stranger(server_);
  for (const std::uint64_t sequence : {5, 6, 9, 9, 7, 10})
    stranger.publish("tracking.events.1", line(1, sequence, "1"));
  stranger.publish("tracking.events.2", line(2, 1, "2"));
  for (const char* expected : {"1", "1", "[sequence 2 of 1]", "1", "1", "1", "1", "2"})
    EXPECT_EQ(next(*subscriber), expected);
  EXPECT_EQ(next(*other), "2") << "no gap of an account that it did not ask for";
}

TEST_F(NatsSubscribe, ALostLinkIsToldAtOnceAndTheStreamGoesOn) {
  server_.start();
  open();
  ASSERT_TRUE(is_live());
  auto first = subscribe();
  auto second = subscribe({.account_ids = {1}});
  server_.kill();
  for (Subscriber* subscriber : {first.get(), second.get()}) EXPECT_EQ(next(*subscriber), "[disconnected]");
  server_.start();
  ASSERT_TRUE(comes_up());
  Stranger(server_).publish("tracking.events.1", line(1, 100, "\"after\""));
  for (Subscriber* subscriber : {first.get(), second.get()}) EXPECT_EQ(next(*subscriber), "\"after\"");
}

TEST_F(NatsSubscribe, WhoSubscribesWithoutALinkIsToldAndServedWhenItIsThere) {
  open();
  auto subscriber = subscribe();
  EXPECT_EQ(next(*subscriber), "[disconnected]");
  server_.start();
  ASSERT_TRUE(comes_up());
  Stranger(server_).publish("tracking.events.1", line(1, 1, "\"first\""));
  EXPECT_EQ(next(*subscriber), "\"first\"");
}

TEST_F(NatsSubscribe, ThePastIsExpired) {
  server_.start();
  open();
  ASSERT_TRUE(is_live());
  for (const SubscribeOptions& options :
       {SubscribeOptions{.since = "all"}, SubscribeOptions{.since = "10m"}, SubscribeOptions{.tail = 3},
        SubscribeOptions{.since = to_text(Cursor{5, 5, {}, 5})}}) {
    auto subscriber = subscribe(options);
    EXPECT_EQ(next(*subscriber), "[expired]");
    Stranger(server_).publish("tracking.events.1", line(1, 0, "\"live\""));
    EXPECT_EQ(next(*subscriber), "\"live\"");
  }
}

TEST_F(NatsSubscribe, ASubscriptionThatIsNotPermittedFails) {
  server_.start(
      R"(authorization { default_permissions = { subscribe: "other.>" }, users = [ { user: a, password: a } ] })");
  broker_ = Backends({nats()})
                .open_broker({.url = BackendUrl::parse(server_.url("a:a@")).value(), .log = log_.sink()})
                .value();
  ASSERT_TRUE(comes_up());
  // Who subscribes waits for the server's answer, but not for longer than a moment.
  EXPECT_TRUE(eventually([&] { return broker_->subscribe({}, [] {}).code() == Code::broker_unavailable; }));
  EXPECT_EQ(log_.count("does not permit us to subscribe to tracking.events.*"), 1u);
}

TEST_F(NatsSubscribe, PublishingThatIsNotPermittedFailsUntilItIs) {
  const std::string users = ", users = [ { user: a, password: a } ] }";
  server_.start("authorization { default_permissions = { publish: \"other.>\" }" + users);
  broker_ = Backends({nats()})
                .open_broker({.url = BackendUrl::parse(server_.url("a:a@")).value(), .log = log_.sink()})
                .value();
  ASSERT_TRUE(comes_up());
  auto service =
      TrackingService::open(std::vector<Account>{{.id = 1, .name = "a"}}, std::shared_ptr<Broker>(std::move(broker_)))
          .value();
  EXPECT_TRUE(service->track({.account_id = 1, .data = "1"})) << "nobody knows yet";
  EXPECT_TRUE(eventually([&] { return !service->track({.account_id = 1, .data = "1"}); }));
  EXPECT_NE(service->readiness().broker.message().find("does not permit us to publish to tracking.events.1"),
            std::string::npos);
  EXPECT_EQ(log_.count("does not permit us to publish"), 1u);
  server_.reload("authorization { default_permissions = { publish: \">\" }" + users);
  EXPECT_TRUE(eventually([&] { return service->track({.account_id = 1, .data = "1"}).is_ok(); }));
}

TEST_F(NatsSubscribe, FromAfarOnlyTheAccountsAskedForComeAndTheFilterChangesWithoutALoss) {
  server_.start();
  auto subscriber = from_afar({.account_ids = {1, 2}, .buffer_bytes_max = 256u << 20});
  Stranger stranger(server_);
  std::uint64_t sequence = 0;
  std::atomic<bool> is_over{false};
  std::thread publisher([&] {
    while (!is_over) {
      for (const AccountId id : {1, 2, 3}) {
        stranger.publish("tracking.events." + std::to_string(id), line(id, sequence + 1, "0"));
      }
      ++sequence;
      std::this_thread::sleep_for(1ms);
    }
  });
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(subscriber->set_accounts({1, 3}));
    ASSERT_TRUE(subscriber->set_accounts({}));
    ASSERT_TRUE(subscriber->set_accounts({1}));
  }
  is_over = true;
  publisher.join();
  EXPECT_GT(sequence, 0u);
  for (std::uint64_t last = 0; last < sequence;) {
    const auto delivery = subscriber->next(20s);
    ASSERT_TRUE(delivery) << last << " of " << sequence;
    ASSERT_TRUE(delivery->event()) << delivery->json();
    ASSERT_EQ(delivery->event()->account_id, 1);
    ASSERT_TRUE(last == 0 || delivery->event()->sequence == last + 1) << "neither lost nor repeated";
    last = delivery->event()->sequence;
  }
  EXPECT_FALSE(subscriber->next(100ms));
}

TEST_F(NatsSubscribe, FromAfarItStartsBeforeItsServerAndTellsLostLinks) {
  auto subscriber = from_afar({.account_ids = {1}, .limit = 2});
  server_.start();
  auto probe = from_afar({.account_ids = {1}});
  Stranger stranger(server_);
  std::string first;
  ASSERT_TRUE(eventually([&] {
    stranger.publish("tracking.events.1", line(1, 0, "1"));
    first = next(*subscriber, 10ms);
    return !first.empty();
  }));
  EXPECT_EQ(first, "1") << "nothing was promised before";
  server_.kill();
  std::string told;
  while ((told = next(*probe)) == "1") {
  }
  EXPECT_EQ(told, "[disconnected]");
}

TEST_F(NatsSubscribe, FromAfarItEndsAtItsLimitAtTheEndOfHistoryAndWithoutRetry) {
  const auto without_server = from_afar({}, "?retry=off");
  EXPECT_FALSE(without_server->next(20s));
  EXPECT_EQ(without_server->status().code(), Code::could_not_connect);
  server_.start();
  auto limited = from_afar({.limit = 1});
  Stranger stranger(server_);
  std::string first;
  ASSERT_TRUE(eventually([&] {  // opening it does not wait long for the server
    stranger.publish("tracking.events.1", line(1, 0, "1"));
    stranger.publish("tracking.events.1", line(1, 0, "2"));
    first = next(*limited, 10ms);
    return !first.empty();
  }));
  EXPECT_TRUE(first == "1" || first == "2") << first;
  EXPECT_FALSE(limited->next(20s));
  EXPECT_TRUE(limited->is_ended());
  stranger.flush();
  auto finished = from_afar({.since = "all", .follow = false});
  EXPECT_EQ(next(*finished), "[expired]");
  EXPECT_FALSE(finished->next(20s));
  const auto lost = from_afar({}, "?retry=off");
  server_.kill();
  std::string told;
  while (!(told = next(*lost)).empty()) EXPECT_EQ(told, "[disconnected]");
  EXPECT_EQ(lost->status().code(), Code::could_not_connect);
}

TEST_F(NatsSubscribe, AServiceAtADistanceIsRefusedWithAdvice) {
  const auto service = TrackingService::connect(server_.url(), {nats()});
  EXPECT_EQ(service.code(), Code::unsupported);
  EXPECT_NE(service.error().message().find("as its broker"), std::string::npos) << service.error().message();
}

}  // namespace
}  // namespace tracking::test
