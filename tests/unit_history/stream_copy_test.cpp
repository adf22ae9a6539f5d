// Every byte of a copy is in its place, and no other is touched, wherever it begins and ends.
#include "history/stream_copy.h"

#include <gtest/gtest.h>

#include <string>

namespace tracking::history {
namespace {

// As a cache line has 64 bytes: every place in it to begin at, for both sides, and to end at.
TEST(StreamCopy, IsACopyWhereverItBeginsAndEnds) {
  constexpr std::size_t line = 64;
  constexpr std::size_t room = 2 * stream_bytes_min;
  std::string source;
  for (std::size_t i = 0; i < room + line; ++i) source += static_cast<char>('a' + i * 7 % 23);
  std::string target(room + 2 * line, '.');
  const std::string untouched = target;
  for (std::size_t to = 1; to <= line; ++to) {
    const std::size_t from = to * 13 % line;
    for (std::size_t size = stream_bytes_min - 1; size <= stream_bytes_min + line + 1; ++size) {
      stream_copy(target.data() + to, source.data() + from, size);
      ASSERT_EQ(target.compare(to, size, source, from, size), 0) << to << ' ' << from << ' ' << size;
      ASSERT_EQ(target[to - 1], '.');
      ASSERT_EQ(target[to + size], '.');
      target = untouched;
    }
  }
}

TEST(StreamCopy, OfAnySmallSizeIsACopy) {
  const std::string source(stream_bytes_min, 'x');
  for (std::size_t size = 0; size < 300; ++size) {
    std::string target(300, '.');
    stream_copy(target.data(), source.data(), size);
    EXPECT_EQ(target, std::string(size, 'x') + std::string(300 - size, '.'));
  }
}

}  // namespace
}  // namespace tracking::history
