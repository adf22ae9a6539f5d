#include <common/log.h>

#include "common/log_limit.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>

namespace tracking::apps {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class StandingClock final : public Clock {
 public:
  Timestamp now() noexcept override { return Timestamp(std::chrono::microseconds(1'700'000'000'123'456)); }
  std::chrono::nanoseconds steady() noexcept override { return elapsed; }
  std::chrono::nanoseconds elapsed = 100s;
};

/// A logger that writes into a pipe.
class LogTest : public testing::Test {
 protected:
  LogTest() { EXPECT_EQ(::pipe2(pipe_, O_NONBLOCK | O_CLOEXEC), 0); }
  ~LogTest() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }

  Logger logger(LogFormat format, LogLevel level = LogLevel::info) {
    return Logger({.descriptor = pipe_[1], .format = format, .level = level, .is_coloured = false, .clock = &clock});
  }
  std::string written() {
    std::string text;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(pipe_[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(size));
    }
    return text;
  }
  static std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  StandingClock clock;
  int pipe_[2] = {-1, -1};
};

TEST_F(LogTest, ARecordIsALineOfTextOrJson) {
  logger(LogFormat::text).info("listening", {{"url", "http://x"}, {"note", "two words"}, {"count", std::uint64_t{3}}});
  EXPECT_EQ(written(), "2023-11-14T22:13:20.123Z info    listening url=http://x note=\"two words\" count=3\n");
  logger(LogFormat::json).warning("listening", {{"url", "http://x"}, {"count", std::uint64_t{3}}});
  EXPECT_EQ(written(),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warning\",\"message\":\"listening\","
            "\"url\":\"http://x\",\"count\":3}\n");
}

TEST_F(LogTest, WhateverTheContentARecordStaysOneLine) {
  for (const auto format : {LogFormat::text, LogFormat::json}) {
    logger(format).error("a\nb\r\x1b[2J\xff\xe2\x80\xa8", {{"field", "x\ny\"z"}});
    const auto text = written();
    EXPECT_EQ(lines(text), 1) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
}

TEST_F(LogTest, LowerLevelsAreNotWritten) {
  auto log = logger(LogFormat::text, LogLevel::warning);
  log.info("no");
  log.warning("yes");
  EXPECT_THAT(written(), AllOf(HasSubstr("yes"), testing::Not(HasSubstr("no"))));
}

TEST_F(LogTest, RepeatedRecordsAreCountedInsteadOfWritten) {
  auto log = logger(LogFormat::json);
  for (int number = 0; number < 1000; ++number) log.error("account " + std::to_string(number) + " failed");
  EXPECT_EQ(lines(written()), 10);
  EXPECT_EQ(log.suppressed(), 990u);
  clock.elapsed += 10s;
  log.info("something else");
  EXPECT_THAT(written(), AllOf(HasSubstr("similar messages were suppressed"), HasSubstr("\"count\":990"),
                               HasSubstr("something else")));
}

TEST_F(LogTest, WhatIsStillCountedIsToldAtTheEnd) {
  {
    auto log = logger(LogFormat::json);
    for (int number = 0; number < 15; ++number) log.error("again");
    written();
  }
  EXPECT_THAT(written(), HasSubstr("\"count\":5"));
}

TEST_F(LogTest, AllKindsTogetherAreBounded) {
  auto log = logger(LogFormat::text);
  for (int number = 0; number < 5000; ++number) log.error(std::string(static_cast<std::size_t>(number) % 300, 'x'));
  EXPECT_LE(lines(written()), 201);
}

TEST_F(LogTest, AReaderThatDoesNotReadStopsNobody) {
  auto log = logger(LogFormat::text, LogLevel::debug);
  ::fcntl(pipe_[1], F_SETFL, 0);  // a write into the full pipe would wait for ever
  for (int second = 0; second < 20; ++second) {
    clock.elapsed += 10s;
    for (int number = 0; number < 10; ++number) log.error(std::string(3000, 'x'));
  }
  EXPECT_GT(log.suppressed(), 0u);
  written();
  clock.elapsed += 10s;
  log.info("read again");
  EXPECT_THAT(written(),
              AllOf(HasSubstr("log records were dropped because nothing read them"), HasSubstr("read again")));
}

TEST_F(LogTest, ALongRecordIsCutAndStaysWhole) {
  logger(LogFormat::json).error(std::string(100'000, '\n'), {{"field", std::string(100'000, '\x01')}});
  const auto text = written();
  EXPECT_LE(text.size(), Logger::record_bytes_max);
  EXPECT_THAT(text, AllOf(StartsWith("{\"time\":"), EndsWith("\"}\n")));
  EXPECT_EQ(lines(text), 1);
}

TEST(LogLimit, AKindThatIsPushedOutIsForgottenWithItsCount) {
  LogLimit limit({.burst_max = 1, .window = 10s, .per_second_max = 1'000'000});
  for (int kind = 0; kind < 1000; ++kind) {
    const auto message =
        std::string(1, static_cast<char>('a' + kind % 26)) + std::string(static_cast<std::size_t>(kind), 'x');
    limit.admit(message, 3, 1s);
    limit.admit(message, 3, 1s);
  }
  EXPECT_EQ(limit.held_total(), 1000u);
  LogLimit::Held held;
  int told = 0;
  while (limit.take_held(1s, true, held)) ++told;
  EXPECT_EQ(told, 64);
}

}  // namespace
}  // namespace tracking::apps
