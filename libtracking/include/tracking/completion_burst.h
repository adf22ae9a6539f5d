// Puts off what need be done only once for many completions.
#pragma once

#include <tracking/export.h>

namespace tracking {

/// For brokers that complete many batches in a row, and for those who are told so on the broker's thread and wake
/// another one, such as an event loop: while a burst lives, waking waits until its end, and is done once. Where cores
/// are few, the thread that is woken would take the core from the one that completes, at each batch again.
///
/// A burst belongs to the thread that made it, which must not wait, before the burst ends, for anything that those who
/// were put off would do. A burst within a burst does nothing.
class TRACKING_EXPORT CompletionBurst {
 public:
  /// What is put off. It waits in a list through itself: putting off takes no memory.
  class TRACKING_EXPORT Deferred {
   public:
    Deferred() = default;
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;
    /// Called on the thread whose burst has ended.
    virtual void run() noexcept = 0;

   protected:
    virtual ~Deferred();

   private:
    friend class CompletionBurst;
    Deferred* next_ = nullptr;
  };

  CompletionBurst() noexcept;
  ~CompletionBurst();
  CompletionBurst(const CompletionBurst&) = delete;
  CompletionBurst& operator=(const CompletionBurst&) = delete;

  /// True: `deferred` is run when this thread's burst ends. It must live until then, and not be put off a second time
  /// meanwhile, by any thread. False: this thread has no burst, so there is nothing to wait for.
  static bool defer(Deferred& deferred) noexcept;
};

}  // namespace tracking
