// Counts the events of each account of one producer.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <vector>

namespace tracking::engine {

/// A flat hash table from account to the last sequence number; 16 bytes a slot, at most half full. One thread at a
/// time.
class SequenceTable {
 public:
  /// A lane that has counted for so many accounts takes a new name and starts again: that bounds the table.
  static constexpr std::size_t accounts_max = 1'000'000;

  SequenceTable() : slots_(slots_min) {}

  bool is_full() const noexcept { return accounts_ >= accounts_max; }

  /// The next number of the account: 1, 2, 3, ...
  std::uint64_t next(AccountId id) {
    Slot* slot = &find(id);
    if (slot->id == 0) {
      if ((accounts_ + 1) * 2 > slots_.size()) {
        grow();
        slot = &find(id);
      }
      slot->id = id;
      ++accounts_;
    }
    return ++slot->last;
  }

  /// Makes room for so many more accounts: as many next() then need no memory.
  void reserve(std::size_t accounts) {
    while ((accounts_ + accounts) * 2 > slots_.size()) grow();
  }

  void clear() {
    slots_.assign(slots_min, {});
    slots_.shrink_to_fit();
    accounts_ = 0;
  }

 private:
  struct Slot {
    AccountId id = 0;  // 0 = free
    std::uint64_t last = 0;
  };
  static constexpr std::size_t slots_min = 64;

  // Fibonacci hashing: consecutive ids spread well.
  static std::size_t hash(AccountId id) noexcept {
    return (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15u) >> 20;
  }

  // The account's slot, or the free one where it belongs.
  Slot& find(AccountId id) noexcept {
    for (std::size_t i = hash(id);; ++i) {
      Slot& slot = slots_[i & (slots_.size() - 1)];
      if (slot.id == id || slot.id == 0) return slot;
    }
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.id != 0) find(slot.id) = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t accounts_ = 0;
};

}  // namespace tracking::engine
