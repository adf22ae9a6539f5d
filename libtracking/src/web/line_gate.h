// What the bodies of NDJSON that are read at the same time may have in flight together.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace tracking::web {

/// Bounds the lines in flight of many bodies, so that any number of uploads asks no more of a broker's queue than a few
/// do. A batch of lines enters before it is handed over, or waits for its turn: first come, first served. Thread-safe.
class LineGate {
 public:
  struct Load {
    std::size_t events = 0;
    std::size_t bytes = 0;
  };
  /// Waits for its turn.
  class Waiter {
   public:
    /// What it wanted to enter with is in. Any thread, no lock held.
    virtual void entered() noexcept = 0;

   protected:
    ~Waiter() = default;
  };

  /// A load that is larger alone enters when nothing else is in.
  explicit LineGate(const Load& most) : most_(most) {}

  /// True: it is in. False: entered() tells when it is, unless the waiter is gone by then. One load a waiter at a time.
  bool enter(const Load& load, const std::weak_ptr<Waiter>& waiter) noexcept;
  /// What entered is out again. May call entered() of others.
  void leave(const Load& load) noexcept;

 private:
  struct Waiting {
    Load load;
    std::weak_ptr<Waiter> waiter;
  };

  bool has_room(const Load& load) const noexcept;
  void add(const Load& load) noexcept;

  const Load most_;
  std::mutex mutex_;
  // Guarded by mutex_.
  Load in_;
  std::deque<Waiting> waiting_;
  bool is_admitting_ = false;  // a thread is in leave()'s loop, and looks again before it ends
};

}  // namespace tracking::web
