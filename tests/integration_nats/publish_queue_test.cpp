// The queue between publishing threads and the I/O thread: when it tells that lines are sent.
#include "nats/publish_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

/// The outcome of one batch.
class Told final : public CompletionTarget {
 public:
  void resolve(std::size_t, const Outcome&) noexcept override {}
  void finish(const Outcome& outcome) noexcept override { code_ = outcome.code; }
  std::optional<Code> code() const { return code_; }

 private:
  std::optional<Code> code_;
};

class Queue : public ::testing::Test {
 protected:
  static constexpr std::size_t line_bytes = 1'000;
  Queue() { queue_.open(line_bytes); }

  /// A batch of lines; false = it is told already, else `told` will be.
  bool push(std::size_t lines, Told& told) {
    const std::vector<Line> batch(lines, {.json = json_, .account_id = 1});
    Completion done(told);
    const auto pushed = queue_.push({batch, AckLevel::sent});
    EXPECT_EQ(pushed.refused_from, lines);
    if (pushed.is_far_back && queue_.hold(pushed, done)) return true;
    done.all(AckLevel::sent);
    return false;
  }
  void read_all() {
    PublishQueue::Message message;
    while (queue_.next(message)) {
    }
  }

  const std::string json_ = std::string(line_bytes, 'x');
  PublishQueue queue_{10'000'000, 100'000};
};

TEST_F(Queue, TellsLinesNearItsFrontAtOnce) {
  Told told;
  EXPECT_FALSE(push(50, told));
  EXPECT_EQ(told.code(), Code::ok);
}

TEST_F(Queue, TellsLinesFarBackWhenThoseBeforeAreRead) {
  Told first;
  Told second;
  Told third;
  EXPECT_FALSE(push(50, first));
  EXPECT_TRUE(push(150, second));  // more than a block
  EXPECT_TRUE(push(150, third));
  queue_.tell_near();
  EXPECT_EQ(second.code(), std::nullopt);
  PublishQueue::Message message;
  while (!second.code()) {
    ASSERT_TRUE(queue_.next(message));
    queue_.tell_near();
  }
  EXPECT_EQ(second.code(), Code::ok);
  EXPECT_EQ(third.code(), std::nullopt) << "in their order";
  read_all();
  queue_.tell_near();
  EXPECT_EQ(third.code(), Code::ok);
}

TEST_F(Queue, HoldsNothingThatWasReadMeanwhile) {
  const std::vector<Line> batch(200, {.json = json_, .account_id = 1});
  Told told;
  Completion done(told);
  const auto pushed = queue_.push({batch, AckLevel::sent});
  EXPECT_TRUE(pushed.is_far_back);
  read_all();
  EXPECT_FALSE(queue_.hold(pushed, done)) << "nobody would tell it any more";
}

TEST_F(Queue, TellsARefusalAtOnce) {
  Told told;
  EXPECT_TRUE(push(9'000, told));
  const std::vector<Line> batch(2'000, {.json = json_, .account_id = 1});
  const auto pushed = queue_.push({batch, AckLevel::sent});
  EXPECT_EQ(pushed.code, Code::overloaded);
  EXPECT_LT(pushed.refused_from, batch.size());
  EXPECT_FALSE(pushed.is_far_back);
  queue_.close();
  EXPECT_TRUE(told.code());
}

TEST_F(Queue, KeepsNobodyWaitingForAServerThatStandsStill) {
  Told told;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(push(200, told));
  queue_.tell_held_since(before - 1ms);
  EXPECT_EQ(told.code(), std::nullopt);
  queue_.tell_held_since(std::chrono::steady_clock::now());
  EXPECT_EQ(told.code(), Code::ok);
}

TEST_F(Queue, DroppedTellsThatNothingOfABatchWasSentOrThatItIsInDoubt) {
  Told begun;
  Told untouched;
  EXPECT_TRUE(push(300, begun));
  EXPECT_TRUE(push(300, untouched));
  PublishQueue::Message message;
  ASSERT_TRUE(queue_.next(message));
  queue_.close();
  EXPECT_EQ(begun.code(), Code::in_doubt);
  EXPECT_EQ(untouched.code(), Code::broker_unavailable);
}

TEST_F(Queue, GivenUpTellsThatLinesMayStillBeWritten) {
  Told told;
  EXPECT_TRUE(push(200, told));
  queue_.give_up_held();
  EXPECT_EQ(told.code(), Code::in_doubt);
}

}  // namespace
}  // namespace tracking::nats_io
