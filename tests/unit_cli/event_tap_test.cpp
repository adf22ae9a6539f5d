// Event lines are found in an SSE stream, in whatever pieces it comes.
#include "bench/event_tap.h"

#include <gtest/gtest.h>

#include <vector>

namespace tracking::cli {
namespace {

const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const std::string frames =
    "retry: 2000\nid: c_0\n\n"
    "id: c_1\ndata: {\"n\":1}\n\n"
    "event: gap\nid: c_2\ndata: {\"reason\":\"expired\"}\n\n"
    ": idle\n\nid: c_3\ndata: {\"n\":2}\n\n";

std::vector<std::string> lines_of(EventTap& tap, std::string_view text, std::size_t piece) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    tap.read(text.substr(at, piece), [&lines](std::string_view line) { lines.emplace_back(line); });
  }
  return lines;
}

TEST(EventTap, EventsAndGapsAreToldApart) {
  const std::vector<std::string> expected{"{\"n\":1}", "{\"n\":2}"};
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    EventTap tap;
    EXPECT_EQ(lines_of(tap, head + "\r\n" + frames, piece), expected);
    EXPECT_EQ(tap.gaps(), 1u);
  }
}

TEST(EventTap, ChunksMayCutAnywhere) {
  std::string text = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < frames.size(); at += 16) {
    const std::string piece = frames.substr(at, 16);
    char size[8];
    std::snprintf(size, sizeof size, "%zx", piece.size());
    text += size + std::string("\r\n") + piece + "\r\n";
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    EventTap tap;
    EXPECT_EQ(lines_of(tap, text, piece).size(), 2u);
    EXPECT_EQ(tap.read("0\r\n\r\n", [](std::string_view) {}), EventTap::State::ended);
  }
}

TEST(EventTap, ARefusalIsKept) {
  EventTap tap;
  const auto state = tap.read("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", [](std::string_view) {});
  EXPECT_EQ(state, EventTap::State::ended);
  EXPECT_NE(tap.refusal().find("403 Forbidden"), std::string::npos);
}

}  // namespace
}  // namespace tracking::cli
