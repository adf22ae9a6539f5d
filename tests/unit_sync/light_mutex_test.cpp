// A mutex that is given back without a barrier keeps others out, and nobody sleeps for ever; also where the kernel
// refuses membarrier(2), from the beginning or all at once.
#include "sync/light_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "unit_sync/meeting.h"
#include "unit_sync/membarrier.h"

namespace tracking::sync {
namespace {

using namespace std::chrono_literals;

/// Each of the threads adds `rounds` times, and holds the mutex now and then for so long that others fall asleep.
void expect_exclusion(int threads, int rounds) {
  LightMutex mutex;
  std::uint64_t count = 0;  // guarded by mutex
  std::uint64_t twin = 0;   // guarded by mutex
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(count, twin);
        ++count;
        if (i % 1'000 == 0) std::this_thread::sleep_for(200us);
        ++twin;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(count, static_cast<std::uint64_t>(threads) * static_cast<std::uint64_t>(rounds));
}

TEST(LightMutex, IsTakenByOneAtATime) {
  LightMutex mutex;
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_FALSE(mutex.try_lock());
  mutex.unlock();
  mutex.lock();
  EXPECT_FALSE(mutex.try_lock());
  mutex.unlock();
}

TEST(LightMutex, KeepsTwoApart) { expect_exclusion(2, 100'000); }
TEST(LightMutex, KeepsManyApart) { expect_exclusion(8, 20'000); }

// One that gives the mutex back at once, over and over, and one that comes now and then, as a lane and the broker's
// thread.
TEST(LightMutex, LetsInWhoComesNowAndThen) {
  LightMutex mutex;
  std::atomic<bool> is_over{false};
  std::uint64_t count = 0;  // guarded by mutex
  std::uint64_t rounds = 0;
  std::thread busy([&] {
    for (; !is_over; ++rounds) {
      const std::lock_guard lock(mutex);
      ++count;
    }
  });
  for (int i = 0; i < 1'000; ++i) {
    const std::lock_guard lock(mutex);
    ++count;
  }
  is_over = true;
  busy.join();
  EXPECT_EQ(count, rounds + 1'000);
}

TEST(LightMutex, WakesAllThatSleepOneAfterTheOther) {
  LightMutex mutex;
  int count = 0;  // guarded by mutex
  mutex.lock();
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 8; ++i) {
    sleepers.emplace_back([&] {
      const std::lock_guard lock(mutex);
      ++count;
    });
  }
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(count, 0);
  mutex.unlock();
  for (std::thread& sleeper : sleepers) sleeper.join();
  EXPECT_EQ(count, 8);
}

/// The one who gives it back does so once, about when the other goes to sleep, and then waits until that one has it: a
/// wake-up that is lost is made good by nobody.
void expect_wake_ups(int rounds) {
  LightMutex mutex;
  std::atomic<int> round{0};
  std::atomic<int> had{0};  // up to which round the other had the mutex
  mutex.lock();
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (round < i) std::this_thread::yield();
      const std::lock_guard lock(mutex);
      had = i;
      // Held until here: the first one gets it back for the next round.
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    round = i;
    test::work_for(std::chrono::nanoseconds(i * 37 % 40'000));
    mutex.unlock();
    test::wait_until_had(had, i);
    mutex.lock();
  }
  mutex.unlock();
  other.join();
}

TEST(LightMutex, WakesTheOneThatFallsAsleepAtThatMoment) { expect_wake_ups(5'000); }

TEST(LightMutex, NeedsNoMembarrier) {
  test::run_without_membarrier("LightMutex.NeedsNoMembarrier", [] {
    expect_exclusion(2, 100'000);
    expect_exclusion(8, 20'000);
    expect_wake_ups(1'000);
  });
}

TEST(LightMutex, GoesOnIfMembarrierIsRefusedOnceItIsKnownToWork) {
  // In a thread's own filter: the process and its other tests keep the call.
  std::thread([] {
    ASSERT_TRUE(test::refuse_membarrier());
    expect_exclusion(4, 10'000);
    expect_wake_ups(1'000);
  }).join();
}

}  // namespace
}  // namespace tracking::sync
