// Nothing that is counted is lost, with however many threads, up to their very end.
#include "engine/striped_counter.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

namespace tracking::engine {
namespace {

TEST(StripedCounter, CountsForMoreThreadsThanItHasStripes) {
  constexpr int threads = 100;
  constexpr std::uint64_t each = 10'000;
  StripedCounter counter;
  std::latch all_have_one(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      counter.add();
      all_have_one.arrive_and_wait();
      for (std::uint64_t added = 1; added < each; ++added) counter.add();
    });
  }
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(counter.total(), threads * each);
}

/// Counts when its thread ends.
class AtTheEnd {
 public:
  ~AtTheEnd() {
    for (int i = 0; counter && i < 100'000; ++i) counter->add();
  }
  StripedCounter* counter = nullptr;
};

TEST(StripedCounter, CountsWhatAThreadAddsWhenItsStripeIsGone) {
  for (int round = 0; round < 5; ++round) {
    StripedCounter counter;
    std::vector<std::thread> running;
    for (int i = 0; i < 4; ++i) {
      running.emplace_back([&] {
        thread_local AtTheEnd last;  // made before the stripe is taken, so that it goes after it
        last.counter = &counter;
        counter.add();
      });
      // The others take its stripe while it still counts.
      running.emplace_back([&] {
        for (int added = 0; added < 100'000; ++added) counter.add();
      });
    }
    for (std::thread& thread : running) thread.join();
    EXPECT_EQ(counter.total(), 4 * (100'001u + 100'000u));
  }
}

}  // namespace
}  // namespace tracking::engine
