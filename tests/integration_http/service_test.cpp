#include "script_server.h"

#include <tracking/http.h>

#include <gmock/gmock.h>

namespace tracking {
namespace {

using test::Peer;
using test::ScriptServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using namespace std::chrono_literals;

constexpr const char* accepted = R"({"id":"e1","timestamp":"2026-11-23T20:24:06.751257Z","ack":"sent"})";

// Answers each request, and keeps them.
class Recorder {
 public:
  void operator()(Peer& peer, int) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (!answer_(peer, request)) return;
    }
  }
  explicit Recorder(std::function<bool(Peer&, const std::string&)> answer) : answer_(std::move(answer)) {}
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const std::function<bool(Peer&, const std::string&)> answer_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
};

std::unique_ptr<TrackingService> connect(const std::string& url) {
  return TrackingService::connect(url, {http()}).value();
}

// Accepts every event of an array, or the one.
bool accept_all(Peer& peer, const std::string& request) {
  const auto body = test::request_body(request);
  std::size_t events = 0;
  for (auto at = body.find("\"account_id\""); at != std::string::npos; at = body.find("\"account_id\"", at + 1))
    ++events;
  if (body.front() == '{') return peer.answer(202, accepted);
  return peer.answer(202, "{\"accepted\":" + std::to_string(events) + ",\"rejected\":[],\"ack\":\"sent\"}");
}

TEST(HttpService, SendsOneEventByteForByteAndReadsItsReceipt) {
  Recorder recorder([](Peer& peer, const std::string&) { return peer.answer(202, accepted); });
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  const auto receipt = service->track(
      {.account_id = 7, .data = R"({"n":1e400})", .id = "e1", .occurred_at = Timestamp(1s)}, {.ack = AckLevel::sent});
  ASSERT_TRUE(receipt) << receipt.error().message();
  EXPECT_EQ(receipt->id.view(), "e1");
  EXPECT_EQ(receipt->ack, AckLevel::sent);
  const auto requests = recorder.requests();
  EXPECT_EQ(test::request_line(requests.at(0)), "POST /v1/events?ack=sent HTTP/1.1");
  EXPECT_EQ(test::request_body(requests.at(0)),
            R"({"account_id":7,"id":"e1","occurred_at":"1970-01-01T00:00:01.000000Z","data":{"n":1e400}})");
}

TEST(HttpService, GivesEachEventAnIdSoThatARepeatDoublesNothing) {
  Recorder recorder(accept_all);
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  service->track(Event{.account_id = 7, .data = "1"}).value();
  EXPECT_THAT(
      test::request_body(recorder.requests().at(0)),
      MatchesRegex(
          R"(\{"account_id":7,"id":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","data":1\})"));
}

TEST(HttpService, ABatchIsAnArrayOnAConnectionThatIsKept) {
  Recorder recorder(accept_all);
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url("?connections=1"));
  const std::vector<Event> events(3, {.account_id = 7, .data = "1"});
  for (int i = 0; i < 2; ++i) {
    for (const Receipt& receipt : service->track(events)) EXPECT_EQ(receipt.code, Code::ok);
  }
  EXPECT_EQ(recorder.requests().size(), 2u);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpService, EventsOfAnAccountKeepTheirOrder) {
  Recorder recorder(accept_all);
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  constexpr int events = 2'000;
  std::vector<std::string> numbers;
  for (int i = 0; i < events; ++i) numbers.push_back(std::to_string(i));
  std::vector<Event> borrowed;
  for (int i = 0; i < events; ++i)
    borrowed.push_back({.account_id = 1 + i % 3, .data = numbers[static_cast<std::size_t>(i)]});
  std::atomic<int> done{0};
  for (const Event& event : borrowed) {
    service->track({&event, 1}, [&](std::span<const Receipt>) { ++done; });
  }
  ASSERT_TRUE(test::eventually([&] { return done == events; }));
  int last[4] = {-1, -1, -1, -1};
  for (const auto& request : recorder.requests()) {
    for (auto at = request.find("\"account_id\":"); at != std::string::npos;
         at = request.find("\"account_id\":", at + 1)) {
      const int account = request[at + 13] - '0';
      const int number = std::stoi(request.substr(request.find("\"data\":", at) + 7));
      ASSERT_GT(number, last[account]);
      last[account] = number;
    }
  }
  EXPECT_LT(recorder.requests().size(), static_cast<std::size_t>(events)) << "those that waited went together";
}

TEST(HttpService, RejectionsReachTheirEvents) {
  Recorder recorder([](Peer& peer, const std::string&) {
    return peer.answer(202,
                       R"({"accepted":1,"rejected":[{"index":0,"status":404,"type":"unknown-account"}],"ack":"sent"})");
  });
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  const auto receipts =
      service->track(std::vector<Event>{{.account_id = 4, .data = "1"}, {.account_id = 8, .data = "1"}});
  EXPECT_EQ(receipts[0].code, Code::unknown_account);
  EXPECT_EQ(receipts[1].code, Code::ok);
}

TEST(HttpService, AnArrayThatIsRefusedAsAWholeIsSentOneByOne) {
  Recorder recorder([](Peer& peer, const std::string& request) {
    const auto body = test::request_body(request);
    if (body.front() == '[' || body.find("bad") != std::string::npos) return peer.problem(400, "malformed-json", "no");
    return peer.answer(202, accepted);
  });
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  const auto receipts = service->track(
      std::vector<Event>{{.account_id = 4, .data = Data::trusted("bad")}, {.account_id = 4, .data = "1"}});
  EXPECT_EQ(receipts[0].code, Code::malformed_json);
  EXPECT_EQ(receipts[1].code, Code::ok);
}

TEST(HttpService, WhatCannotBeAnEventIsRefusedHere) {
  const auto service = connect("http://127.0.0.1:" + std::to_string(test::unused_port()));
  const auto receipts = service->track(std::vector<Event>{{.account_id = 0, .data = "1"},
                                                          {.account_id = 1, .data = "{"},
                                                          {.account_id = 1, .data = "1", .id = "a b"},
                                                          {.account_id = 1, .data = ""}});
  EXPECT_EQ(receipts[0].code, Code::invalid_event);
  EXPECT_EQ(receipts[1].code, Code::malformed_json);
  EXPECT_EQ(receipts[2].code, Code::invalid_event);
  EXPECT_EQ(receipts[3].code, Code::malformed_json);
}

TEST(HttpService, WithoutAServerAnEventMayBeRepeatedAndReadinessSaysWhy) {
  const auto service = connect("http://127.0.0.1:" + std::to_string(test::unused_port()));
  const auto receipts = service->track(std::vector<Event>{{.account_id = 1, .data = "1"}});
  EXPECT_EQ(receipts[0].code, Code::broker_unavailable);
  EXPECT_TRUE(is_retriable(receipts[0].code));
  EXPECT_EQ(service->readiness().broker.code(), Code::could_not_connect);
}

TEST(HttpService, ACutAfterTheRequestIsInDoubtAndKeepsTheId) {
  Recorder recorder([](Peer& peer, const std::string&) { return peer.send("HTTP/1.1 202 Acc") && false; });
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  const auto receipts = service->track(std::vector<Event>{{.account_id = 1, .data = "1", .id = "mine"}});
  EXPECT_EQ(receipts[0].code, Code::in_doubt);
  EXPECT_EQ(receipts[0].id.view(), "mine");
  EXPECT_EQ(recorder.requests().size(), 1u) << "what is in doubt is not repeated behind the caller's back";
}

TEST(HttpService, ReadinessIsTheServers) {
  std::atomic<bool> is_ready{false};
  Recorder recorder([&](Peer& peer, const std::string&) {
    return is_ready ? peer.answer(200, "{}") : peer.problem(503, "not-ready", "the broker is away");
  });
  const ScriptServer server(std::ref(recorder));
  const auto service = connect(server.url());
  EXPECT_FALSE(service->readiness().is_ready());
  EXPECT_TRUE(test::eventually(
      [&] { return service->readiness().broker.message().find("the broker is away") != std::string::npos; }));
  is_ready = true;
  EXPECT_TRUE(test::eventually([&] { return service->readiness().is_ready(); }));
}

TEST(HttpService, AdministersAccountsWithItsToken) {
  Recorder recorder([](Peer& peer, const std::string& request) {
    const auto line = test::request_line(request);
    if (line == "GET /v1/accounts?limit=2&after=5 HTTP/1.1") {
      return peer.answer(200, R"({"accounts":[{"id":6,"name":"A\u00e4","is_active":false}],"next":null})");
    }
    if (line == "DELETE /v1/accounts/6 HTTP/1.1") return peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    if (line == "POST /v1/accounts HTTP/1.1") return peer.problem(409, "account-exists", "there is an account 6");
    return peer.answer(200, R"({"id":6,"name":"B","is_active":true})");
  });
  const ScriptServer admin(std::ref(recorder));
  const auto service = connect("http://127.0.0.1:1?admin_token=t0k&admin=" + admin.url());
  const auto accounts = service->list_accounts(5, 2).value();
  ASSERT_EQ(accounts.size(), 1u);
  EXPECT_EQ(accounts[0].name, "A\xc3\xa4");
  EXPECT_FALSE(accounts[0].is_active);
  EXPECT_EQ(service->get_account(6).value().name, "B");
  EXPECT_TRUE(service->change_account(6, {.name = "B\"", .is_active = true}).value().is_active);
  EXPECT_EQ(service->add_account({.id = 6, .name = "C"}).code(), Code::account_exists);
  EXPECT_TRUE(service->remove_account(6).is_ok());
  const auto requests = recorder.requests();
  EXPECT_THAT(requests.at(0), HasSubstr("Authorization: Bearer t0k\r\n"));
  EXPECT_EQ(test::request_body(requests.at(2)), R"({"name":"B\"","is_active":true})");
  EXPECT_EQ(test::request_body(requests.at(3)), R"({"id":6,"name":"C","is_active":true})");
  EXPECT_THAT(requests.at(3), HasSubstr("Content-Type: application/json\r\n"));
}

TEST(HttpService, AnAdminListenerThatIsAwayIsNamed) {
  const int port = test::unused_port();
  const auto service = connect("http://127.0.0.1:1?admin=http://127.0.0.1:" + std::to_string(port));
  const auto account = service->get_account(1);
  EXPECT_EQ(account.code(), Code::could_not_connect);
  EXPECT_THAT(account.error().message(), HasSubstr(std::to_string(port)));
}

TEST(HttpService, ClosingEndsItsSubscriptions) {
  const ScriptServer server([](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(test::cursor(0));
    peer.wait_closed();
  });
  const auto service = connect(server.url());
  const auto subscriber = service->subscribe().value();
  ASSERT_TRUE(test::eventually([&] { return subscriber->cursor() == test::cursor(0); }));
  EXPECT_TRUE(service->close(20s).is_ok());
  EXPECT_FALSE(subscriber->next());
  EXPECT_TRUE(subscriber->is_ended());
}

}  // namespace
}  // namespace tracking
