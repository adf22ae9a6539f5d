// Where a subscription at a distance says that it stands: behind what was read, whatever has come since.
#include "script_server.h"

#include <tracking/http.h>
#include <tracking/service.h>

#include <gtest/gtest.h>

namespace tracking {
namespace {

using test::cursor;
using test::event_frame;
using test::Peer;
using test::ScriptServer;

// Sends when it is told to, and tells when what it sent has come.
struct HttpCursor : ::testing::Test {
  void serve(Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    may_send.wait(false);
    peer.send_chunk("id: " + cursor(3) + "\n\n" + event_frame(4, 1) + event_frame(5, 1));
    peer.wait_closed();
  }
  void TearDown() override { let_it_send(); }
  void let_it_send() {
    may_send = true;
    may_send.notify_all();
  }
  void let_events_come() {
    ASSERT_EQ(subscription->read(out, 10, 1'000), ReadState::idle);  // the wake is armed
    let_it_send();
    ASSERT_TRUE(test::eventually([this] { return is_woken.load(); }));
  }

  std::atomic<bool> may_send{false};
  std::atomic<bool> is_woken{false};
  const ScriptServer server{[this](Peer& peer, int) { serve(peer); }};
  const std::unique_ptr<TrackingService> service = TrackingService::connect(server.url(), {http()}).value();
  const std::unique_ptr<Subscription> subscription =
      service->open_subscription({}, [this] { is_woken = true; }).value();
  Deliveries out;
};

TEST_F(HttpCursor, BeforeTheFirstReadItIsWhereTheStreamBegan) {
  let_events_come();
  EXPECT_EQ(subscription->cursor(), cursor(3));
  subscription->read(out, 1, 1'000);
  EXPECT_EQ(subscription->cursor(), cursor(4));
}

TEST_F(HttpCursor, WhatWasQueuedWhenItWasClosedIsStillAhead) {
  let_events_come();
  subscription->read(out, 1, 1'000);
  ASSERT_EQ(out.size(), 1u);
  ASSERT_TRUE(service->close(std::chrono::seconds(10)));
  EXPECT_EQ(subscription->read(out, 10, 1'000), ReadState::ended);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(subscription->cursor(), cursor(4));
}

TEST(HttpCursorAsked, HoldsUntilThereIsAStream) {
  const std::string url = "http://127.0.0.1:" + std::to_string(test::unused_port());
  EXPECT_EQ(Subscriber::open(url, {.since = cursor(7)}, {http()}).value()->cursor(), cursor(7));
  EXPECT_EQ(Subscriber::open(url, {.since = "10m"}, {http()}).value()->cursor(), "");
}

}  // namespace
}  // namespace tracking
