// A counter that many threads add to without meeting on a cache line.
#pragma once

#include <atomic>
#include <cstdint>

namespace tracking::engine {

/// Thread-safe. total() is exact when nobody adds.
class StripedCounter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    stripes_[stripe_of_this_thread()].count.fetch_add(count, std::memory_order_relaxed);
  }
  std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const Stripe& stripe : stripes_) sum += stripe.count.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr unsigned stripe_count = 16;  // guess: event loops and lookup threads of a small machine
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> count{0};
  };

  static unsigned stripe_of_this_thread() noexcept {
    static std::atomic<unsigned> next{0};
    thread_local const unsigned stripe = next.fetch_add(1, std::memory_order_relaxed) % stripe_count;
    return stripe;
  }

  Stripe stripes_[stripe_count];
};

}  // namespace tracking::engine
