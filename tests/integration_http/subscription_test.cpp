#include "script_server.h"

#include <tracking/http.h>

#include <gmock/gmock.h>

namespace tracking {
namespace {

using test::cursor;
using test::event_frame;
using test::event_line;
using test::Peer;
using test::ScriptServer;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto long_enough = 20s;  // for what must come; nothing waits so long unless it fails

std::unique_ptr<Subscriber> subscribe(const std::string& url, const SubscribeOptions& options = {}) {
  return Subscriber::open(url, options, {http()}).value();
}

// The next deliveries: events as their ids, gaps as their reasons.
std::vector<std::string> take(Subscriber& subscriber, std::size_t count) {
  std::vector<std::string> taken;
  while (taken.size() < count) {
    const auto delivery = subscriber.next(long_enough);
    if (!delivery) break;
    taken.push_back(delivery->gap() ? delivery->gap()->reason : std::string(delivery->event()->id));
  }
  return taken;
}

Status end_of(Subscriber& subscriber) {
  while (subscriber.next(long_enough)) {
  }
  EXPECT_TRUE(subscriber.is_ended());
  return subscriber.status();
}

TEST(HttpSubscription, DeliversEventsByteForByteWithTheirCursors) {
  const std::string data = R"({"n":1e400,"s":"\ud800","n":[]})";
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk(event_frame(1, 3, data));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url());
  const auto delivery = subscriber->next(long_enough);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->json(), event_line(1, 3, data));
  EXPECT_EQ(delivery->event()->data, data);
  EXPECT_EQ(delivery->cursor(), cursor(1));
  EXPECT_EQ(subscriber->cursor(), cursor(1));
}

TEST(HttpSubscription, GoesOnBehindTheLastWholeEventAfterACutInMidLine) {
  std::string resumed;
  const ScriptServer server([&](Peer& peer, int connection) {
    const auto request = peer.read_request();
    peer.open_stream(connection == 0 ? cursor(0) : cursor(2));
    if (connection == 0) {
      peer.send_chunk(event_frame(1, 1) + event_frame(2, 1) + event_frame(3, 1).substr(0, 90));
      return;
    }
    resumed = test::request_line(request);
    peer.send_chunk(event_frame(3, 1));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url(), {.account_ids = {1}, .since = "all", .tail = 9});
  EXPECT_THAT(take(*subscriber, 3), ElementsAre("e1", "e2", "e3"));
  EXPECT_EQ(resumed, "GET /v1/events?account_id=1&since=" + cursor(2) + " HTTP/1.1");
}

TEST(HttpSubscription, AsksForWhatItWasToldAtTheFirstConnection) {
  std::string asked;
  const ScriptServer server([&](Peer& peer, int) {
    asked = test::request_line(peer.read_request());
    peer.open_stream(cursor(0));
    peer.send_chunk(event_frame(1, 1));
    peer.wait_closed();
  });
  const auto subscriber = subscribe(
      server.url(), {.account_ids = {3, 1}, .since = "2026-11-23T20:24:06+01:00", .tail = 5, .follow = false});
  take(*subscriber, 1);
  EXPECT_EQ(asked,
            "GET /v1/events?account_id=1,3&since=2026-11-23T20%3A24%3A06%2B01%3A00&tail=5&follow=false HTTP/1.1");
}

TEST(HttpSubscription, TakesAStreamThatComesByteByByte) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    for (const char c : event_frame(1, 1) + event_frame(2, 1)) peer.send_chunk({&c, 1});
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url());
  EXPECT_THAT(take(*subscriber, 2), ElementsAre("e1", "e2"));
}

TEST(HttpSubscription, WaitsForAServerThatIsNotThereYet) {
  const int port = test::unused_port();
  const auto subscriber = subscribe("http://127.0.0.1:" + std::to_string(port));
  EXPECT_FALSE(subscriber->next(300ms));
  EXPECT_FALSE(subscriber->is_ended());
  const ScriptServer server(
      [&](Peer& peer, int) {
        peer.read_request();
        peer.open_stream(cursor(0));
        peer.send_chunk(event_frame(1, 1));
        peer.wait_closed();
      },
      port);
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e1"));
}

TEST(HttpSubscription, TriesAgainWhenTheServerIsUnavailable) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    if (connection < 3) return void(peer.problem(503, "overloaded", "too many subscribers"));
    peer.open_stream(cursor(0));
    peer.send_chunk(event_frame(1, 1));
    peer.wait_closed();
  });
  EXPECT_THAT(take(*subscribe(server.url()), 1), ElementsAre("e1"));
}

TEST(HttpSubscription, EndsWithTheServersReasonWhenTheRequestIsAtFault) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.problem(400, "invalid-parameter", "since: what is that?");
  });
  const auto subscriber = subscribe(server.url());
  const auto status = end_of(*subscriber);
  EXPECT_EQ(status.code(), Code::invalid_parameter);
  EXPECT_THAT(status.message(), HasSubstr("since: what is that?"));
}

TEST(HttpSubscription, EndsWhenReadingIsForbidden) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.problem(403, "forbidden", "streams are for loopback");
  });
  EXPECT_EQ(end_of(*subscribe(server.url())).code(), Code::forbidden);
}

TEST(HttpSubscription, EndsAtAServerThatIsAnother) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.answer(200, "<html>", "text/html");
  });
  EXPECT_EQ(end_of(*subscribe(server.url())).code(), Code::not_found);
}

TEST(HttpSubscription, WithoutRetryTheFirstFailureIsTheEnd) {
  const auto subscriber = subscribe("http://127.0.0.1:" + std::to_string(test::unused_port()) + "?retry=off");
  const auto status = end_of(*subscriber);
  EXPECT_EQ(status.code(), Code::could_not_connect);
  EXPECT_THAT(status.message(), HasSubstr("127.0.0.1"));
}

TEST(HttpSubscription, WithoutRetryALostConnectionIsTheEndBehindItsEvents) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk(event_frame(1, 1));
  });
  const auto subscriber = subscribe(server.url("?retry=off"));
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e1"));
  EXPECT_EQ(end_of(*subscriber).code(), Code::could_not_connect);
}

TEST(HttpSubscription, ASilentLinkIsGivenUp) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    peer.open_stream(cursor(0));
    if (connection > 0) peer.send_chunk(event_frame(1, 1));
    peer.wait_closed();
  });
  EXPECT_THAT(take(*subscribe(server.url("?idle_timeout=200ms")), 1), ElementsAre("e1"));
}

// A beat that is late is the machine's fault, and the run does not count.
TEST(HttpSubscription, HeartbeatsKeepALinkAndMoveTheCursorOn) {
  for (int tries = 0; tries < 10; ++tries) {
    std::atomic<bool> is_late{false};
    const ScriptServer server([&](Peer& peer, int) {
      peer.read_request();
      peer.open_stream(cursor(0));
      auto last = std::chrono::steady_clock::now();
      for (std::uint64_t i = 1; peer.send_chunk(":\nid: " + cursor(i) + "\n\n"); ++i) {
        std::this_thread::sleep_for(50ms);
        const auto now = std::chrono::steady_clock::now();
        is_late = is_late || now - last > 500ms;
        last = now;
      }
    });
    const auto subscriber = subscribe(server.url("?idle_timeout=1s"));
    const bool is_moved = test::eventually([&] { return subscriber->cursor() >= cursor(30); });
    if (is_late) continue;
    EXPECT_TRUE(is_moved);
    EXPECT_EQ(server.connections(), 1);
    return;
  }
  FAIL() << "no second and a half passed without a late beat";
}

TEST(HttpSubscription, PassesGapsOn) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk("event: gap\nid: " + cursor(4) + "\ndata: {\"reason\":\"slow-subscriber\",\"missed\":4}\n\n");
    peer.send_chunk("event: gap\nid: " + cursor(5) + "\ndata: {\"reason\":\"of-the-future\",\"account_id\":7}\n\n");
    peer.send_chunk("event: news\nid: " + cursor(6) + "\ndata: {}\n\n");
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url());
  const auto slow = subscriber->next(long_enough);
  ASSERT_TRUE(slow && slow->gap());
  EXPECT_EQ(slow->gap()->reason, gap_reason::slow_subscriber);
  EXPECT_EQ(slow->gap()->missed, 4u);
  EXPECT_EQ(slow->cursor(), cursor(4));
  const auto future = subscriber->next(long_enough);
  ASSERT_TRUE(future && future->gap());
  EXPECT_EQ(future->gap()->reason, "of-the-future");
  EXPECT_EQ(future->gap()->account_id, 7);
}

TEST(HttpSubscription, GarbageIsToldAsAGapAndDoesNotStopTheStream) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk("id: " + cursor(1) + "\ndata: {\"what\":\n\n" + event_frame(2, 1));
    peer.wait_closed();
  });
  EXPECT_THAT(take(*subscribe(server.url()), 2), ElementsAre("corrupt", "e2"));
}

TEST(HttpSubscription, AnEndlessLineIsDroppedAndToldAsAGap) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk("id: " + cursor(1) + "\ndata: ");
    const std::string megabyte(1 << 20, 'x');
    for (int i = 0; i < 17; ++i) peer.send_chunk(megabyte);
    peer.send_chunk("\n\n" + event_frame(2, 1));
    peer.wait_closed();
  });
  EXPECT_THAT(take(*subscribe(server.url()), 2), ElementsAre("corrupt", "e2"));
}

TEST(HttpSubscription, AWrongCursorIsNotTakenOver) {
  const ScriptServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.open_stream(cursor(0));
    peer.send_chunk("id: a b&c\ndata: " + event_line(1, 1) + "\n\n");
    peer.wait_closed();
  });
  const auto subscriber = subscribe(server.url());
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e1"));
  EXPECT_EQ(subscriber->cursor(), cursor(0));
}

TEST(HttpSubscription, TheLimitCountsAcrossConnections) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    const auto base = static_cast<std::uint64_t>(connection) * 2;
    peer.open_stream(cursor(base));
    peer.send_chunk(event_frame(base + 1, 1) + event_frame(base + 2, 1));
  });
  const auto subscriber = subscribe(server.url(), {.limit = 3});
  EXPECT_THAT(take(*subscriber, 9), ElementsAre("e1", "e2", "e3"));
  EXPECT_TRUE(end_of(*subscriber).is_ok());
}

TEST(HttpSubscription, HistoryEndsOnlyWhereTheServerSaysSo) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    const auto base = static_cast<std::uint64_t>(connection);
    peer.open_stream(cursor(base));
    peer.send_chunk(event_frame(base + 1, 1));
    if (connection == 1) peer.send_chunk("");  // the last chunk; the first connection is cut without it
  });
  const auto subscriber = subscribe(server.url(), {.since = "all", .follow = false});
  EXPECT_THAT(take(*subscriber, 9), ElementsAre("e1", "e2"));
  EXPECT_TRUE(end_of(*subscriber).is_ok());
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpSubscription, AStreamThatTheServerEndsIsOpenedAgain) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    peer.open_stream(cursor(0));
    if (connection == 0) return void(peer.send_chunk(""));
    peer.send_chunk(event_frame(1, 1));
    peer.wait_closed();
  });
  EXPECT_THAT(take(*subscribe(server.url()), 1), ElementsAre("e1"));
}

TEST(HttpSubscription, WrongOptionsAreRefusedAtOnce) {
  for (const SubscribeOptions& options :
       {SubscribeOptions{.since = "yesterday"}, SubscribeOptions{.account_ids = {0}}}) {
    EXPECT_EQ(Subscriber::open("http://127.0.0.1:1", options, {http()}).code(), Code::invalid_parameter);
  }
}

TEST(HttpSubscription, TellsEachChangeOfTheLinkOnce) {
  const ScriptServer server([&](Peer& peer, int connection) {
    peer.read_request();
    if (connection > 0 && connection < 4) return void(peer.problem(503, "overloaded", "busy"));
    peer.open_stream(cursor(0));
    if (connection == 4) peer.send_chunk(event_frame(1, 1));
    if (connection == 4) peer.wait_closed();
  });
  std::mutex mutex;
  std::vector<std::string> said;
  BackendContext context{.url = BackendUrl::parse(server.url()).value()};
  context.log = [&](LogLevel, std::string_view text) {
    const std::lock_guard lock(mutex);
    said.emplace_back(text);
  };
  const Backends backends{http()};
  const auto subscriber =
      Subscriber::adopt([&](Wake wake) { return backends.open_subscription(context, {}, std::move(wake)); }).value();
  EXPECT_THAT(take(*subscriber, 1), ElementsAre("e1"));
  const std::lock_guard lock(mutex);
  EXPECT_THAT(said, ElementsAre(HasSubstr("connected to"), HasSubstr("lost the connection"), HasSubstr("busy"),
                                HasSubstr("connected to")));
}

}  // namespace
}  // namespace tracking
