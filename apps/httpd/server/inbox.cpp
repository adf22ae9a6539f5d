#include "server/inbox.h"

#include <utility>

#include "server/prefetch.h"

namespace tracking::httpd {
namespace {

/// What an item finds its parts by is in its first two cache lines.
constexpr std::size_t item_bytes_fetched = 128;

}  // namespace

void Inbox::push(InboxItem& item) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (item.is_queued_) return;
    item.is_queued_ = true;
    item.previous_ = last_;
    item.next_ = nullptr;
    (last_ ? last_->next_ : first_) = &item;
    last_ = &item;
    ++count_;
    if (is_notified_) return;
    is_notified_ = true;
  }
  notify();
}

bool Inbox::remove(InboxItem& item) noexcept {
  const std::lock_guard lock(mutex_);
  if (!item.is_queued_) return false;
  unlink(item);
  return true;
}

void Inbox::deliver() noexcept {
  std::size_t round = 0;
  {
    const std::lock_guard lock(mutex_);
    round = count_;
    is_notified_ = false;
  }
  // One at a time, because an item that arrives may destroy others that wait.
  for (; round > 0; --round) {
    InboxItem* item = nullptr;
    const InboxItem* next = nullptr;
    const InboxItem* after_next = nullptr;
    {
      const std::lock_guard lock(mutex_);
      item = first_;
      if (!item) return;
      unlink(*item);
      next = first_;
      if (next) after_next = next->next_;
    }
    // In two steps: where its parts are stands in the item itself. Only this thread takes items out, so both are there.
    if (after_next) httpd::prefetch(after_next, item_bytes_fetched);
    if (next) next->prefetch();
    item->arrive();
  }
  {
    const std::lock_guard lock(mutex_);
    if (!first_ || is_notified_) return;
    is_notified_ = true;
  }
  notify();
}

// One thread at a time: is_notified_ was set by it, and stays until the loop has been notified.
void Inbox::notify() noexcept {
  if (!CompletionBurst::defer(*this)) return notify_();
  kept_ = weak_from_this().lock();
}

void Inbox::run() noexcept {
  const std::shared_ptr<Inbox> kept = std::move(kept_);
  notify_();
}

void Inbox::unlink(InboxItem& item) noexcept {
  (item.previous_ ? item.previous_->next_ : first_) = item.next_;
  (item.next_ ? item.next_->previous_ : last_) = item.previous_;
  item.is_queued_ = false;
  --count_;
}

}  // namespace tracking::httpd
