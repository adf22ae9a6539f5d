// Deadlines by the ten thousand.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace tracking::httpd {

/// Something with a deadline. It leaves its wheel when it is destroyed.
class TimerEntry {
 public:
  using Time = std::chrono::steady_clock::time_point;
  TimerEntry() = default;
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  /// The deadline has passed; the entry is out of the wheel until it is set again.
  virtual void due() noexcept = 0;

 protected:
  virtual ~TimerEntry() { unlink(); }

 private:
  friend class TimingWheel;
  void unlink() noexcept {
    if (!previous_) return;
    previous_->next_ = next_;
    if (next_) next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }

  TimerEntry* previous_ = nullptr;  // the slot's head or another entry; nullptr = in no slot
  TimerEntry* next_ = nullptr;
  Time deadline_{};
  Time slot_time_{};
};

/// A ring of slots, a tick apart. Putting a deadline off costs a store: the entry is moved when its old slot comes. An
/// entry is due up to a tick after its deadline. One thread.
class TimingWheel {
 public:
  using Time = TimerEntry::Time;
  static constexpr auto tick = std::chrono::milliseconds(100);

  explicit TimingWheel(Time now) noexcept : swept_until_(now) {}

  void set(TimerEntry& entry, Time deadline) noexcept;
  /// Calls due() of all whose deadline has passed.
  void sweep(Time now) noexcept;

 private:
  /// Ticks ahead: longer than the longest usual wait, 65 s.
  static constexpr std::size_t slot_count = 1024;

  struct Slot final : TimerEntry {
    void due() noexcept override {}
  };

  void link(TimerEntry& entry) noexcept;
  std::size_t slot_index(Time time) const noexcept {
    return static_cast<std::size_t>(time.time_since_epoch() / tick) % slot_count;
  }

  std::array<Slot, slot_count> slots_;
  Time swept_until_;
};

}  // namespace tracking::httpd
