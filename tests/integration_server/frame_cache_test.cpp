#include "server/frame_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace tracking::httpd {
namespace {

std::string line_of(const std::string& data, const std::string& id = "e1") {
  return R"({"id":")" + id + R"(","account_id":1,"timestamp":"2026-11-23T20:24:06.751257Z","data":)" + data + "}";
}

DeliveryView event(std::string_view line, std::uint64_t position) {
  return {.json = line, .account_id = 1, .cursor = {.incarnation = 5, .position = position}};
}

std::string made(const DeliveryView& event, bool is_sse) {
  std::string out;
  is_sse ? web::append_sse(out, event) : web::append_ndjson(out, event);
  return out;
}

std::string cached(FrameCache& cache, const DeliveryView& event, bool is_sse) {
  std::string out = "before";
  cache.append(out, event, is_sse);
  return out.substr(6);
}

TEST(FrameCache, EverySubscriberGetsTheFrame) {
  FrameCache cache;
  const std::string line = line_of(R"("foo")");
  for (const bool is_sse : {true, true, false, false, true}) {
    EXPECT_EQ(cached(cache, event(line, 1), is_sse), made(event(line, 1), is_sse));
  }
}

TEST(FrameCache, EventsThatFollowEachOtherAreKeptApart) {
  FrameCache cache;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t position = 1; position <= 100; ++position) {
      const std::string line = line_of(std::to_string(position));
      EXPECT_EQ(cached(cache, event(line, position), true), made(event(line, position), true));
    }
  }
}

TEST(FrameCache, ThatAPositionMeansSomethingElseNowIsNoticed) {
  FrameCache cache;
  const std::string before = line_of("1");
  const std::string now = line_of("2");
  cached(cache, event(before, 1), true);
  EXPECT_EQ(cached(cache, event(now, 1), true), made(event(now, 1), true)) << "another line";
  DeliveryView elsewhere = event(now, 1);
  elsewhere.cursor.incarnation = 6;
  EXPECT_EQ(cached(cache, elsewhere, true), made(elsewhere, true)) << "the same line of another history";
}

TEST(FrameCache, ALineThatEndsLikeTheOneBeforeIsAnother) {
  FrameCache cache;
  const std::string longer = line_of("1", "e1");
  const std::string shorter = line_of("1", "e");
  for (const bool is_sse : {true, false}) {
    cached(cache, event(longer, 1), is_sse);
    EXPECT_EQ(cached(cache, event(shorter, 1), is_sse), made(event(shorter, 1), is_sse));
  }
}

TEST(FrameCache, LongLinesGapsAndCursorsOfOthersPassThrough) {
  FrameCache cache;
  const std::string line = line_of(R"("foo")");
  const std::string large = line_of('"' + std::string(100'000, 'x') + '"');
  const Gap gap{.reason = "expired", .missed = 3};
  DeliveryView of_gap{.cursor = {.incarnation = 5, .position = 1}, .gap = &gap};
  DeliveryView with_text = event(line, 1);
  with_text.cursor_text = "js-42";
  for (const bool is_sse : {true, false}) {
    cached(cache, event(line, 1), is_sse);
    for (const DeliveryView& delivery : {of_gap, with_text, event(large, 1)}) {
      EXPECT_EQ(cached(cache, delivery, is_sse), made(delivery, is_sse));
    }
  }
}

}  // namespace
}  // namespace tracking::httpd
