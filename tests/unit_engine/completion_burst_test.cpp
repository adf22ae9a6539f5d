// Waking that waits for the end of a burst of completions.
#include <gmock/gmock.h>
#include <tracking/completion_burst.h>

#include <string>
#include <thread>
#include <vector>

namespace tracking {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Named final : CompletionBurst::Deferred {
  Named(std::string the_name, std::vector<std::string>& where) : name(std::move(the_name)), ran(where) {}
  void run() noexcept override {
    ran.push_back(name);
    was_in_a_burst = CompletionBurst::defer(*this);
  }
  const std::string name;
  std::vector<std::string>& ran;
  bool was_in_a_burst = false;
};

struct Burst : ::testing::Test {
  std::vector<std::string> ran;
  Named first{"first", ran};
  Named second{"second", ran};
};

TEST_F(Burst, WithoutOneNothingIsPutOff) {
  EXPECT_FALSE(CompletionBurst::defer(first));
  { const CompletionBurst over; }
  EXPECT_FALSE(CompletionBurst::defer(first));
  EXPECT_THAT(ran, IsEmpty());
}

TEST_F(Burst, WhatIsPutOffRunsAtItsEndInOrder) {
  {
    const CompletionBurst burst;
    EXPECT_TRUE(CompletionBurst::defer(first));
    EXPECT_TRUE(CompletionBurst::defer(second));
    EXPECT_THAT(ran, IsEmpty());
  }
  EXPECT_THAT(ran, ElementsAre("first", "second"));
  EXPECT_FALSE(first.was_in_a_burst) << "it would never run";
}

TEST_F(Burst, TheOutermostOneCounts) {
  {
    const CompletionBurst outer;
    {
      const CompletionBurst inner;
      EXPECT_TRUE(CompletionBurst::defer(first));
    }
    EXPECT_THAT(ran, IsEmpty());
    EXPECT_TRUE(CompletionBurst::defer(second));
  }
  EXPECT_THAT(ran, ElementsAre("first", "second"));
}

TEST_F(Burst, IsOfItsThreadAlone) {
  const CompletionBurst burst;
  bool is_put_off = true;
  std::thread([&] { is_put_off = CompletionBurst::defer(first); }).join();
  EXPECT_FALSE(is_put_off);
}

TEST_F(Burst, WhatRanMayBePutOffAgain) {
  for (int i = 0; i < 2; ++i) {
    const CompletionBurst burst;
    EXPECT_TRUE(CompletionBurst::defer(first));
  }
  EXPECT_THAT(ran, ElementsAre("first", "first"));
}

}  // namespace
}  // namespace tracking
