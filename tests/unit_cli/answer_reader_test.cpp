// Answers are read whole, whatever pieces they come in.
#include "bench/answer_reader.h"

#include <gtest/gtest.h>

namespace tracking::cli {
namespace {

constexpr std::string_view counted = "HTTP/1.1 202 Accepted\r\nContent-Type: x\r\ncontent-LENGTH: 5\r\n\r\nhello";
constexpr std::string_view chunked =
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nB;x=y\r\n, all of it\r\n0\r\n\r\n";

struct Read {
  Parsed parsed;
  int status;
  std::string body;
  bool closes;
};

Read read_in_pieces(AnswerReader& reader, std::string_view text, std::size_t piece) {
  Answer answer;
  Parsed parsed = Parsed::incomplete;
  for (std::size_t at = 0; at < text.size() && parsed == Parsed::incomplete; at += piece) {
    parsed = reader.read(text.substr(at, piece), answer);
  }
  return {parsed, answer.status, std::string(answer.body), answer.closes};
}

TEST(AnswerReader, AnswersAreReadInAnyPieces) {
  AnswerReader reader;
  for (std::size_t piece = 1; piece <= chunked.size(); ++piece) {
    const Read first = read_in_pieces(reader, counted, piece);
    EXPECT_EQ(first.parsed, Parsed::done);
    EXPECT_EQ(first.status, 202);
    EXPECT_EQ(first.body, "hello");
    const Read second = read_in_pieces(reader, chunked, piece);
    EXPECT_EQ(second.parsed, Parsed::done);
    EXPECT_EQ(second.status, 404);
    EXPECT_EQ(second.body, "hello, all of it");
  }
}

TEST(AnswerReader, ACloseIsSeen) {
  AnswerReader reader;
  EXPECT_FALSE(read_in_pieces(reader, counted, 1000).closes);
  EXPECT_TRUE(read_in_pieces(reader, "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", 1000).closes);
}

TEST(AnswerReader, WhatIsNoAnswerIsNoticed) {
  for (const std::string_view text :
       {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 2x2 x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy",
        "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"}) {
    AnswerReader reader;
    EXPECT_EQ(read_in_pieces(reader, text, 1000).parsed, Parsed::malformed) << text;
  }
}

TEST(AnswerReader, AHeadThatNeverEndsIsMalformed) {
  AnswerReader reader;
  const std::string text = "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x');
  EXPECT_EQ(read_in_pieces(reader, text, 1000).parsed, Parsed::malformed);
}

}  // namespace
}  // namespace tracking::cli
