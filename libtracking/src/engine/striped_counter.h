// A counter that many threads add to without meeting on a cache line.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <utility>

namespace tracking::engine {

/// Thread-safe. total() is exact when nobody adds; who sees something counted sees all that was done before.
///
/// Each thread has a stripe to itself while there are no more than 63, so that adding needs no locked instruction: one
/// would make the processor finish all that is under way, and lookups that wait for memory could not overlap.
class StripedCounter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    const unsigned stripe = stripe_ != none ? stripe_ : claim();
    std::atomic<std::uint64_t>& counter = stripes_[stripe].count;
    if (stripe == shared_stripe) {
      counter.fetch_add(count, std::memory_order_release);
    } else {
      counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }
  }
  std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const Stripe& stripe : stripes_) sum += stripe.count.load(std::memory_order_acquire);
    return sum;
  }

 private:
  static constexpr unsigned shared_stripe = 63;
  static constexpr unsigned none = ~0u;
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> count{0};
  };

  /// A stripe taken for a thread's life; who takes it next goes on counting where this one ended. What the thread still
  /// counts after that goes to the shared one.
  class Claim {
   public:
    Claim() noexcept {
      std::uint64_t taken = taken_.load(std::memory_order_relaxed);
      do {
        stripe_ = static_cast<unsigned>(std::countr_one(taken));
        if (stripe_ >= shared_stripe) {
          stripe_ = shared_stripe;
          return;
        }
      } while (!taken_.compare_exchange_weak(taken, taken | (std::uint64_t{1} << stripe_), std::memory_order_acquire,
                                             std::memory_order_relaxed));
    }
    ~Claim() {
      const unsigned stripe = std::exchange(stripe_, shared_stripe);
      if (stripe != shared_stripe) taken_.fetch_and(~(std::uint64_t{1} << stripe), std::memory_order_release);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    static inline std::atomic<std::uint64_t> taken_{0};
  };

  [[gnu::noinline]] static unsigned claim() noexcept {
    thread_local const Claim claim;
    return stripe_;
  }

  static inline constinit thread_local unsigned stripe_ = none;  // of this thread; without a destructor: quick to find

  Stripe stripes_[shared_stripe + 1];
};

}  // namespace tracking::engine
