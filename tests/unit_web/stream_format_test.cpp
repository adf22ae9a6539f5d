// The stream's bytes.
#include <gtest/gtest.h>
#include <tracking/web.h>

namespace tracking::web {
namespace {

const std::string line = R"({"id":"a","account_id":1,"timestamp":"2026-11-23T20:24:06.751257Z","data":"foo"})";

DeliveryView event() {
  DeliveryView view;
  view.json = line;
  view.account_id = 1;
  view.cursor = {.incarnation = 1, .position = 2};
  return view;
}

TEST(StreamFormat, SseOpensWithItsPositionAndNoData) {
  std::string out;
  append_sse_opening(out, "c_1");
  EXPECT_EQ(out, "retry: 2000\nid: c_1\n\n");
}

TEST(StreamFormat, SseEventHasIdAndData) {
  std::string out;
  append_sse(out, event());
  EXPECT_EQ(out, "id: " + cursor_text(event()) + "\ndata: " + line + "\n\n");
}

TEST(StreamFormat, SseGapIsAnEventOfItsOwnName) {
  Gap gap{.reason = "expired", .missed = 3};
  DeliveryView view;
  view.gap = &gap;
  view.cursor_text = "c_9";
  std::string out;
  append_sse(out, view);
  EXPECT_EQ(out, "event: gap\nid: c_9\ndata: {\"reason\":\"expired\",\"missed\":3}\n\n");
}

TEST(StreamFormat, SseHeartbeatIsACommentAndTheCursor) {
  std::string out;
  append_sse_heartbeat(out, "c_1");
  EXPECT_EQ(out, ":\nid: c_1\n\n");
}

TEST(StreamFormat, NdjsonPutsTheCursorFirst) {
  std::string out;
  append_ndjson(out, event());
  EXPECT_EQ(out, "{\"cursor\":\"" + cursor_text(event()) + "\"," + line.substr(1) + "\n");
}

TEST(StreamFormat, NdjsonGapIsAnObjectWithWhereToResume) {
  Gap gap{.reason = "slow-subscriber", .missed = 3, .account_id = 1};
  DeliveryView view;
  view.gap = &gap;
  view.cursor_text = "c_9";
  std::string out;
  append_ndjson(out, view);
  EXPECT_EQ(out, "{\"gap\":{\"reason\":\"slow-subscriber\",\"missed\":3,\"account_id\":1},\"cursor\":\"c_9\"}\n");
}

TEST(StreamFormat, ACursorFromADistanceCannotBreakTheFraming) {
  DeliveryView view = event();
  for (const char* bad : {"c_1\ndata: {}", "c_\"", "c_1\r", "c 1", "c_\\"}) {
    view.cursor_text = bad;
    std::string out;
    append_sse(out, view);
    EXPECT_EQ(out, "data: " + line + "\n\n");
    out.clear();
    append_ndjson(out, view);
    EXPECT_EQ(out, line + "\n");
  }
}

}  // namespace
}  // namespace tracking::web
