// Objects for use again.
#pragma once

#include <atomic>
#include <deque>
#include <utility>

namespace tracking::engine {

/// As many objects as were ever out at once; they live as long as the pool. T has a member `T* next_free`, which is the
/// pool's while the object is not out.
template <class T>
class Pool {
 public:
  /// One thread at a time. One that is not out, in the state in which it was given back; a new one if there is none.
  /// Throws std::bad_alloc.
  T& take() {
    // Who has one object out at a time always has the same, which is in the cache, and pays a store for giving it back.
    if (first_ && !is_first_out_.load(std::memory_order_acquire)) {
      is_first_out_.store(true, std::memory_order_relaxed);
      return *first_;
    }
    if (!free_) free_ = given_back_.exchange(nullptr, std::memory_order_acquire);
    if (free_) return *std::exchange(free_, free_->next_free);
    T& item = items_.emplace_back();
    if (!first_) {
      first_ = &item;
      is_first_out_.store(true, std::memory_order_relaxed);
    }
    return item;
  }

  /// Any thread. Whoever takes it next sees all that was done to it.
  void give_back(T& item) noexcept {
    if (&item == first_) return is_first_out_.store(false, std::memory_order_release);
    item.next_free = given_back_.load(std::memory_order_relaxed);
    while (!given_back_.compare_exchange_weak(item.next_free, &item, std::memory_order_release,
                                              std::memory_order_relaxed)) {
    }
  }

  /// How many there are. The thread that takes.
  std::size_t size() const noexcept { return items_.size(); }

 private:
  std::deque<T> items_;
  T* first_ = nullptr;  // constant once there is one
  T* free_ = nullptr;
  std::atomic<bool> is_first_out_{false};
  std::atomic<T*> given_back_{nullptr};  // a list, the latest first
};

}  // namespace tracking::engine
