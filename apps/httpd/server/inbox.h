// What other threads tell an event loop.
#pragma once

#include <tracking/completion_burst.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

namespace tracking::httpd {

class Inbox;

/// Something that can be told to its loop: an exchange was answered, a stream has events.
class InboxItem {
 public:
  InboxItem() = default;
  InboxItem(const InboxItem&) = delete;
  InboxItem& operator=(const InboxItem&) = delete;
  /// Called on the loop's thread, once for one or more push().
  virtual void arrive() noexcept = 0;
  /// Called on the loop's thread shortly before arrive(), while others arrive: may fetch what that will touch.
  virtual void prefetch() const noexcept {}

 protected:
  virtual ~InboxItem() = default;

 private:
  friend class Inbox;
  // Guarded by the inbox's mutex.
  InboxItem* previous_ = nullptr;
  InboxItem* next_ = nullptr;
  bool is_queued_ = false;
};

/// The items wait in a list through themselves: pushing allocates nothing, an item is in it at most once, and leaves
/// it in constant time when it is destroyed. The loop is notified once for a burst of pushes. Owned by shared pointers.
class Inbox final : public std::enable_shared_from_this<Inbox>, private CompletionBurst::Deferred {
 public:
  /// `notify` makes the loop call deliver() soon. It runs on the pushing thread and must not throw.
  explicit Inbox(std::function<void()> notify) : notify_(std::move(notify)) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Any thread. The item stays alive until it arrived or was removed.
  void push(InboxItem& item) noexcept;
  /// The loop's thread, before an item is destroyed. True if it was waiting here.
  bool remove(InboxItem& item) noexcept;
  /// The loop's thread: lets what is here now arrive, in the order in which it was pushed. What is pushed meanwhile
  /// waits for the next round, so that sockets get their turn.
  void deliver() noexcept;

 private:
  void unlink(InboxItem& item) noexcept;
  void notify() noexcept;
  void run() noexcept override;

  const std::function<void()> notify_;
  std::shared_ptr<Inbox> kept_;  // this, while its notification is put off; of the thread that does so
  std::mutex mutex_;
  // Guarded by mutex_.
  InboxItem* first_ = nullptr;
  InboxItem* last_ = nullptr;
  std::size_t count_ = 0;
  bool is_notified_ = false;
};

}  // namespace tracking::httpd
