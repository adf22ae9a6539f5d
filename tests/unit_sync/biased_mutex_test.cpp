// A mutex that belongs to one thread keeps others out and lets them in, however they meet; also where the kernel
// refuses membarrier(2), from the beginning or all at once.
#include "sync/biased_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "unit_sync/meeting.h"
#include "unit_sync/membarrier.h"

namespace tracking::sync {
namespace {

using namespace std::chrono_literals;

void take(BiasedMutex& mutex, std::uint32_t times = BiasedMutex::turns_to_own) {
  for (std::uint32_t i = 0; i < times; ++i) const BiasedMutex::Hold hold(mutex);
}
void take_on_another_thread(BiasedMutex& mutex, std::uint32_t times) {
  std::thread([&] { take(mutex, times); }).join();
}

/// One thread takes it all the time; each of the others comes `rounds` times: when it is owned (if it ever is), and at
/// any moment, in turns.
void expect_exclusion(int others, int rounds, bool is_ever_owned) {
  BiasedMutex mutex;
  std::uint64_t count = 0;  // guarded by mutex
  std::uint64_t twin = 0;   // guarded by mutex
  const auto add = [&] {
    EXPECT_EQ(count, twin);
    ++count;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ++twin;
  };
  std::atomic<bool> is_over{false};
  std::uint64_t of_owner = 0;
  std::thread owner([&] {
    for (; !is_over; ++of_owner) {
      const BiasedMutex::Hold hold(mutex);
      add();
      if (of_owner % 100'000 == 0) std::this_thread::sleep_for(100us);  // the others fall asleep
    }
  });
  std::vector<std::thread> running;
  for (int other = 0; other < others; ++other) {
    running.emplace_back([&, other] {
      for (int i = 0; i < rounds; ++i) {
        if (i % 2 == 0 && is_ever_owned) {
          const auto deadline = std::chrono::steady_clock::now() + 20s;
          while (!mutex.is_owned()) ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "never owned again";
        } else {
          test::work_for(std::chrono::nanoseconds((i + other) * 977 % 50'000));
          EXPECT_TRUE(is_ever_owned || !mutex.is_owned());
        }
        if (i % 3 == 0) {
          const BiasedMutex::Hold hold(mutex);
          add();
        } else {
          const BiasedMutex::Visit visit(mutex);
          add();
        }
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  is_over = true;
  owner.join();
  EXPECT_EQ(count, of_owner + static_cast<std::uint64_t>(others) * static_cast<std::uint64_t>(rounds));
}

TEST(BiasedMutex, ComesToBelongToWhoTakesItManyTimesInARow) {
  BiasedMutex mutex;
  take(mutex, BiasedMutex::turns_to_own - 1);
  EXPECT_FALSE(mutex.is_owned());
  take(mutex, 1);
  EXPECT_TRUE(mutex.is_owned());
  take(mutex);
  EXPECT_TRUE(mutex.is_owned());
  take_on_another_thread(mutex, 1);
  EXPECT_FALSE(mutex.is_owned());
  take(mutex, BiasedMutex::turns_to_own - 1);
  EXPECT_FALSE(mutex.is_owned());
  take(mutex, 1);
  EXPECT_TRUE(mutex.is_owned()) << "again";
}

TEST(BiasedMutex, BelongsToNobodyWhileTwoTakeTurns) {
  BiasedMutex mutex;
  for (int i = 0; i < 5; ++i) {
    take(mutex, BiasedMutex::turns_to_own - 1);
    take_on_another_thread(mutex, 1);
    EXPECT_FALSE(mutex.is_owned());
  }
}

TEST(BiasedMutex, BelongsToAnotherOnlyIfItIsToldTo) {
  BiasedMutex mutex;
  take(mutex);
  ASSERT_TRUE(mutex.is_owned());
  take_on_another_thread(mutex, 10 * BiasedMutex::turns_to_own);
  EXPECT_FALSE(mutex.is_owned());
  take(mutex);
  ASSERT_TRUE(mutex.is_owned());
  mutex.disown();
  EXPECT_FALSE(mutex.is_owned());
  take_on_another_thread(mutex, BiasedMutex::turns_to_own);
  EXPECT_TRUE(mutex.is_owned());
}

TEST(BiasedMutex, NeverBelongsToAVisitor) {
  BiasedMutex mutex;
  for (std::uint32_t i = 0; i < 3 * BiasedMutex::turns_to_own; ++i) const BiasedMutex::Visit visit(mutex);
  EXPECT_FALSE(mutex.is_owned());
  take(mutex);
  ASSERT_TRUE(mutex.is_owned());
  { const BiasedMutex::Visit visit(mutex); }  // of the owner itself
  EXPECT_FALSE(mutex.is_owned());
  take(mutex, BiasedMutex::turns_to_own - 1);
  { const BiasedMutex::Visit visit(mutex); }
  take(mutex, BiasedMutex::turns_to_own - 1);
  EXPECT_FALSE(mutex.is_owned()) << "not in a row";
}

TEST(BiasedMutex, IsGivenBackOnce) {
  BiasedMutex mutex;
  for (std::uint32_t i = 0; i < 2 * BiasedMutex::turns_to_own; ++i) {
    BiasedMutex::Hold hold(mutex);
    hold.release();
    if (i % 100 == 0) take(mutex, 1);  // it is free before `hold` ends
  }
  take_on_another_thread(mutex, 1);
}

TEST(BiasedMutex, KeepsApartAnOwnerAndOneOther) { expect_exclusion(1, 4'000, true); }
TEST(BiasedMutex, KeepsApartAnOwnerAndManyOthers) { expect_exclusion(6, 500, true); }

TEST(BiasedMutex, WhoWaitsForTheOwnerSleepsAndIsWoken) {
  BiasedMutex mutex;
  take(mutex);
  ASSERT_TRUE(mutex.is_owned());
  std::promise<void> had;
  std::thread other;
  {
    const BiasedMutex::Hold hold(mutex);
    other = std::thread([&] {
      const BiasedMutex::Hold others(mutex);
      had.set_value();
    });
    EXPECT_EQ(had.get_future().wait_for(50ms), std::future_status::timeout);
  }
  other.join();
}

/// The owner gives it back once, about when the other goes to sleep, and then waits until that one has it: a wake-up
/// that is lost is made good by nobody.
TEST(BiasedMutex, WakesTheOneThatFallsAsleepAtThatMoment) {
  constexpr int rounds = 1'000;
  BiasedMutex mutex;
  std::atomic<int> round{0};
  std::atomic<int> had{0};
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (round < i) std::this_thread::yield();
      const BiasedMutex::Hold hold(mutex);
      had = i;
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    take(mutex);
    ASSERT_TRUE(mutex.is_owned());
    BiasedMutex::Hold hold(mutex);
    round = i;
    test::work_for(std::chrono::nanoseconds(i * 37 % 40'000));
    hold.release();
    test::wait_until_had(had, i);
  }
  other.join();
}

TEST(BiasedMutex, WithoutMembarrierBelongsToNobody) {
  test::run_without_membarrier("BiasedMutex.WithoutMembarrierBelongsToNobody", [] {
    BiasedMutex mutex;
    take(mutex, 10 * BiasedMutex::turns_to_own);
    EXPECT_FALSE(mutex.is_owned());
    expect_exclusion(2, 2'000, false);
  });
}

TEST(BiasedMutex, GoesOnIfMembarrierIsRefusedOnceItIsKnownToWork) {
  BiasedMutex mutex;
  take(mutex);
  ASSERT_TRUE(mutex.is_owned());
  // In a thread's own filter: the process keeps the call. No mutex of this process is owned from then on, so this is
  // the last test.
  std::thread([&] {
    ASSERT_TRUE(test::refuse_membarrier());
    take(mutex, 1);
  }).join();
  EXPECT_FALSE(mutex.is_owned());
  take(mutex, 2 * BiasedMutex::turns_to_own);
  EXPECT_FALSE(mutex.is_owned());
  expect_exclusion(2, 1'000, false);
}

}  // namespace
}  // namespace tracking::sync
