#include "web/line_gate.h"

#include <new>

namespace tracking::web {

bool LineGate::has_room(const Load& load) const noexcept {
  return in_.events == 0 || (in_.events + load.events <= most_.events && in_.bytes + load.bytes <= most_.bytes);
}

void LineGate::add(const Load& load) noexcept {
  in_.events += load.events;
  in_.bytes += load.bytes;
}

bool LineGate::enter(const Load& load, const std::weak_ptr<Waiter>& waiter) noexcept {
  const std::lock_guard lock(mutex_);
  if (!waiting_.empty() || !has_room(load)) {
    try {
      waiting_.push_back({load, waiter});
      return false;
    } catch (const std::bad_alloc&) {  // then it enters: the broker has a bound of its own
    }
  }
  add(load);
  return true;
}

void LineGate::leave(const Load& load) noexcept {
  std::unique_lock lock(mutex_);
  in_.events -= load.events;
  in_.bytes -= load.bytes;
  // Whom we let in may be through within the call, and leave: that must not let in the next from within.
  if (is_admitting_) return;
  is_admitting_ = true;
  while (!waiting_.empty() && has_room(waiting_.front().load)) {
    const Load next = waiting_.front().load;
    auto waiter = waiting_.front().waiter.lock();
    waiting_.pop_front();
    if (!waiter) continue;
    add(next);
    lock.unlock();
    waiter->entered();
    waiter.reset();  // maybe the last one, with a lock of its own
    lock.lock();
  }
  is_admitting_ = false;
}

}  // namespace tracking::web
