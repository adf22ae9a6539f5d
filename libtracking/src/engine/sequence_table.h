// Counts the events of each account of one producer.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <span>
#include <utility>

#include "engine/zeroed_pages.h"

namespace tracking::engine {

/// A flat hash table from account to the last sequence number; 16 bytes a slot, at most half full. One thread at a
/// time.
class SequenceTable {
 public:
  /// A lane that has counted for so many accounts takes a new name and starts again: that bounds the table.
  static constexpr std::size_t accounts_max = 1'000'000;

  SequenceTable() : pages_(slots_min * sizeof(Slot)) {}

  bool is_full() const noexcept { return accounts_ >= accounts_max; }

  /// The next number of the account: 1, 2, 3, ... Precondition: id > 0.
  std::uint64_t next(AccountId id) {
    if (id == recent_id_) return ++recent_->last;
    Slot* slot = &find(id);
    if (slot->id == 0) {
      if ((accounts_ + 1) * 2 > slot_count()) {
        grow();
        slot = &find(id);
      }
      slot->id = id;
      ++accounts_;
    }
    recent_id_ = id;
    recent_ = slot;
    return ++slot->last;
  }

  /// Whether prefetch() pays.
  bool is_beyond_cache() const noexcept { return pages_.is_beyond_cache(); }
  /// Starts to fetch from memory what next(id) will read.
  void prefetch(AccountId id) const noexcept { __builtin_prefetch(&slots()[hash(id) & (slot_count() - 1)]); }

  /// Makes room for so many more accounts: as many next() then need no memory.
  void reserve(std::size_t accounts) {
    while ((accounts_ + accounts) * 2 > slot_count()) grow();
  }

  void clear() {
    recent_id_ = 0;
    pages_ = ZeroedPages(slots_min * sizeof(Slot));
    accounts_ = 0;
  }

 private:
  struct Slot {
    AccountId id;  // 0 = free
    std::uint64_t last;
  };
  static constexpr std::size_t slots_min = 64;

  // Fibonacci hashing: consecutive ids spread well.
  static std::size_t hash(AccountId id) noexcept {
    return (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15u) >> 20;
  }

  Slot* slots() const noexcept { return static_cast<Slot*>(pages_.data()); }
  std::size_t slot_count() const noexcept { return pages_.bytes() / sizeof(Slot); }  // a power of two

  // The account's slot, or the free one where it belongs.
  Slot& find(AccountId id) noexcept {
    for (std::size_t i = hash(id);; ++i) {
      Slot& slot = slots()[i & (slot_count() - 1)];
      if (slot.id == id || slot.id == 0) return slot;
    }
  }

  void grow() {
    recent_id_ = 0;
    const ZeroedPages old = std::exchange(pages_, ZeroedPages(2 * pages_.bytes()));
    const std::span<const Slot> old_slots(static_cast<const Slot*>(old.data()), old.bytes() / sizeof(Slot));
    for (const Slot& slot : old_slots) {
      if (slot.id != 0) find(slot.id) = slot;
    }
  }

  ZeroedPages pages_;  // of slots
  std::size_t accounts_ = 0;
  AccountId recent_id_ = 0;  // the last that was counted for, as it is often the next; 0 = none
  Slot* recent_ = nullptr;   // its slot
};

}  // namespace tracking::engine
