// Changing the accounts while the stream runs: nothing of an account that stays is lost or repeated.
#include "script_server.h"

#include <tracking/http.h>

#include <gmock/gmock.h>

namespace tracking {
namespace {

using test::cursor;
using test::event_frame;
using test::Peer;
using test::ScriptServer;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

std::unique_ptr<Subscriber> subscribe(const std::string& url, std::vector<AccountId> account_ids) {
  return Subscriber::open(url, {.account_ids = std::move(account_ids)}, {http()}).value();
}

std::vector<std::string> take(Subscriber& subscriber, std::size_t count) {
  std::vector<std::string> ids;
  while (ids.size() < count) {
    const auto delivery = subscriber.next(20s);
    if (!delivery || delivery->gap()) break;
    ids.emplace_back(delivery->event()->id);
  }
  return ids;
}

bool is_probe(const std::string& request) { return request.find("since=now&follow=false") != std::string::npos; }

// Answers the question for the server's position.
void answer_probe(Peer& peer, std::uint64_t position) {
  peer.open_stream(cursor(position));
  peer.send_chunk("");
}

TEST(HttpFilterChange, TheNextStreamGoesOnWhereTheFirstWasCutAndAddedAccountsBeginNow) {
  std::string second;
  const ScriptServer server([&](Peer& peer, int connection) {
    const auto request = peer.read_request();
    if (is_probe(request)) return answer_probe(peer, 4);
    if (connection == 0) {
      peer.open_stream(cursor(0));
      peer.send_chunk(event_frame(1, 1) + event_frame(2, 1));
      return peer.wait_closed();
    }
    second = test::request_line(request);
    peer.open_stream(cursor(2));
    // 3 and 5 are of the account that stays; 4 is older than the change; 6 came after it.
    peer.send_chunk(event_frame(3, 1) + event_frame(4, 2) + event_frame(5, 1) + event_frame(6, 2));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url(), {1});
  EXPECT_THAT(take(*subscriber, 2), ElementsAre("e1", "e2"));
  ASSERT_TRUE(subscriber->set_accounts({2, 1}).is_ok());
  EXPECT_THAT(take(*subscriber, 3), ElementsAre("e3", "e5", "e6"));
  EXPECT_THAT(second, HasSubstr("account_id=1,2&since=" + cursor(2)));
}

TEST(HttpFilterChange, WhatIsQueuedIsKeptForAccountsThatStayOnly) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    peer.open_stream(cursor(static_cast<std::uint64_t>(connection) * 3));
    if (connection == 0) peer.send_chunk(event_frame(1, 1) + event_frame(2, 2) + event_frame(3, 1));
    if (connection == 1) peer.send_chunk(event_frame(4, 1));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url(), {1, 2});
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e1"));
  ASSERT_TRUE(subscriber->set_accounts({1}).is_ok());
  EXPECT_THAT(take(*subscriber, 2), ElementsAre("e3", "e4"));
}

TEST(HttpFilterChange, TheSameAccountsAgainDisturbNothing) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk(event_frame(1, 1));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url(), {1, 2});
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e1"));
  ASSERT_TRUE(subscriber->set_accounts({2, 1, 2}).is_ok());
  EXPECT_FALSE(subscriber->next(100ms));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpFilterChange, HoldsWhileThereIsNoConnection) {
  const int port = test::unused_port();
  const auto subscriber = subscribe("http://127.0.0.1:" + std::to_string(port), {1});
  ASSERT_TRUE(subscriber->set_accounts({5}).is_ok());
  std::string asked;
  const ScriptServer server(
      [&](Peer& peer, int) {
        asked = test::request_line(peer.read_request());
        peer.open_stream(cursor(0));
        peer.wait_closed();
      },
      port);
  ASSERT_TRUE(test::eventually([&] { return server.connections() == 1 && subscriber->cursor() == cursor(0); }));
  EXPECT_THAT(asked, HasSubstr("?account_id=5 "));
}

TEST(HttpFilterChange, WrongAccountsAreRefused) {
  const auto subscriber = subscribe("http://127.0.0.1:" + std::to_string(test::unused_port()), {1});
  EXPECT_EQ(subscriber->set_accounts({0}).code(), Code::invalid_parameter);
}

TEST(HttpFilterChange, MoreAccountsThanFitIntoARequestAreFilteredHere) {
  std::vector<AccountId> many;
  for (AccountId id = 1'000'000'000'000; many.size() < 1'000; ++id) many.push_back(id);
  std::string asked;
  const ScriptServer server([&](Peer& peer, int) {
    asked = test::request_line(peer.read_request());
    peer.open_stream(cursor(0));
    peer.send_chunk(event_frame(1, 5) + event_frame(2, many.front()));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url(), many);
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e2"));
  EXPECT_EQ(asked, "GET /v1/events HTTP/1.1");
}

// A server over a log that grows, with each stream cut by a change every few events.
TEST(HttpFilterChange, ManyChangesUnderLoadLoseAndRepeatNothingOfAnAccountThatStays) {
  constexpr std::uint64_t events = 3'000;
  std::atomic<std::uint64_t> written{0};
  const ScriptServer server([&](Peer& peer, int) {
    const auto request = peer.read_request();
    const auto at = request.find("since=c_");
    const std::uint64_t from = at == std::string::npos ? 0 : parse_cursor(request.substr(at + 6, 50))->position;
    if (is_probe(request)) return answer_probe(peer, written);
    bool is_open = peer.open_stream(cursor(from));
    for (std::uint64_t i = from + 1; is_open && i <= events; ++i) {
      const AccountId account_id = i % 2 == 0 ? 1 : 2;
      if (written < i) written = i;
      is_open = peer.send_chunk(event_frame(i, account_id));
    }
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url(), {1});
  std::uint64_t expected = 2, last_of_two = 0;
  for (int taken = 0; expected <= events; ++taken) {
    const auto delivery = subscriber->next(20s);
    ASSERT_TRUE(delivery && delivery->event());
    const auto number = delivery->event()->sequence;
    if (delivery->event()->account_id == 1) {
      ASSERT_EQ(number, expected);
      expected += 2;
    } else {
      ASSERT_GT(number, last_of_two);
      last_of_two = number;
    }
    if (taken % 97 == 0) {
      const auto accounts = taken % 2 ? std::vector<AccountId>{1} : std::vector<AccountId>{};
      ASSERT_TRUE(subscriber->set_accounts(accounts).is_ok());
    }
  }
}

}  // namespace
}  // namespace tracking
