#include "server/timing_wheel.h"

#include <algorithm>

namespace tracking::httpd {

void TimingWheel::set(TimerEntry& entry, Time deadline) noexcept {
  entry.deadline_ = deadline;
  if (entry.previous_ && entry.slot_time_ <= deadline) return;
  entry.unlink();
  if (deadline != Time::max()) link(entry);
}

void TimingWheel::link(TimerEntry& entry) noexcept {
  const Time horizon = swept_until_ + tick * static_cast<int>(slot_count - 2);
  entry.slot_time_ = std::clamp(entry.deadline_, swept_until_, horizon);
  TimerEntry& slot = slots_[slot_index(entry.slot_time_ + tick)];
  entry.next_ = slot.next_;
  entry.previous_ = &slot;
  if (slot.next_) slot.next_->previous_ = &entry;
  slot.next_ = &entry;
}

void TimingWheel::sweep(Time now) noexcept {
  // After a long pause each slot is looked at once, not each tick that was missed.
  swept_until_ = std::max(swept_until_, now - tick * static_cast<int>(slot_count));
  while (swept_until_ + tick <= now) {
    swept_until_ += tick;
    TimerEntry& slot = slots_[slot_index(swept_until_)];
    // due() may destroy or move any entry, so the first is taken out each time. What is linked anew meanwhile goes to a
    // later slot.
    while (TimerEntry* const entry = slot.next_) {
      entry->unlink();
      if (entry->deadline_ <= now) {
        entry->due();
      } else if (entry->deadline_ != Time::max()) {
        link(*entry);
      }
    }
  }
}

}  // namespace tracking::httpd
