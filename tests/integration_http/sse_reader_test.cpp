#include "http/sse_reader.h"

#include <gmock/gmock.h>

namespace tracking::remote {
namespace {

using testing::ElementsAre;

class Frames final : public SseHandler {
 public:
  bool frame(const SseFrame& frame) override {
    texts.push_back(std::string(frame.type) + "|" + std::string(frame.id) + "|" +
                    (frame.is_oversized ? "OVERSIZED" : std::string(frame.data)));
    return texts.size() < frames_max;
  }
  std::vector<std::string> texts;
  std::size_t frames_max = 1'000;
};

constexpr std::string_view stream =
    "retry: 2000\nid: c_0\n\n"
    ":\nid: c_1\n\n"
    "id: c_2\ndata: {\"a\":1}\n\n"
    "event: gap\r\nid:c_3\r\ndata:{}\r\n\r\n"
    "data: one\rdata: two\r\r"
    "id: c_4\ndata: cut";

const auto frames_of_stream = ElementsAre("|c_0|", "|c_1|", "|c_2|{\"a\":1}", "gap|c_3|{}", "||one\ntwo");

TEST(SseReader, TakesFramesApartAndDoesNotDeliverOneThatWasCut) {
  SseReader reader(1'000);
  Frames frames;
  EXPECT_TRUE(reader.feed(stream, frames));
  EXPECT_THAT(frames.texts, frames_of_stream);
}

TEST(SseReader, PiecesMayBeCutAnywhere) {
  for (std::size_t size = 1; size < stream.size(); ++size) {
    SseReader reader(1'000);
    Frames frames;
    for (std::size_t at = 0; at < stream.size(); at += size) reader.feed(stream.substr(at, size), frames);
    EXPECT_THAT(frames.texts, frames_of_stream) << "pieces of " << size;
  }
}

TEST(SseReader, DropsALineThatIsTooLongAndKeepsItsPosition) {
  SseReader reader(10);
  Frames frames;
  for (const char c : "id: c_1\ndata: 12345678901\n\nid: c_2\ndata: 1\n\n" + std::string())
    reader.feed({&c, 1}, frames);
  EXPECT_THAT(frames.texts, ElementsAre("|c_1|OVERSIZED", "|c_2|1"));
}

TEST(SseReader, TakesALineOfExactlyTheLimit) {
  SseReader reader(10);
  Frames frames;
  reader.feed("data: 1234\n\n", frames);
  EXPECT_THAT(frames.texts, ElementsAre("||1234"));
}

TEST(SseReader, ManyDataLinesOfOneFrameStayBounded) {
  SseReader reader(10);
  Frames frames;
  reader.feed("data: 1234\ndata: 1234\ndata: 1234\n\n", frames);
  EXPECT_THAT(frames.texts, ElementsAre("||OVERSIZED"));
}

TEST(SseReader, StopsWhenTheHandlerSaysSo) {
  SseReader reader(1'000);
  Frames frames;
  frames.frames_max = 1;
  EXPECT_FALSE(reader.feed(stream, frames));
  EXPECT_THAT(frames.texts, ElementsAre("|c_0|"));
}

}  // namespace
}  // namespace tracking::remote
