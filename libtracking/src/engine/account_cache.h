// Remembered answers about accounts: a bounded hash table of 30 bytes an entry that is read without a lock.
#pragma once

#include <tracking/account.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace tracking::engine {

/// Milliseconds of the directory's own time (account_freshness.h).
using Ticks = std::uint64_t;

/// What is remembered of one account.
struct Remembered {
  AccountState state = AccountState::unknown;
  Ticks verified = 0;          ///< when the query that told it was sent
  bool is_doubted = false;     ///< the account changed since
  bool refresh_asked = false;  ///< someone has asked for it to be read again
};

/// find(), prefetch() and ask_refresh() may be called by any thread, at any time. All else changes the table and is
/// called by one thread at a time.
///
/// Entries live in buckets of one cache line, four in each. An account is in its home bucket or in one of the next
/// three, so a hit touches one line nearly always. A reader may, very rarely, miss an entry that is just being moved;
/// it never sees another account's answer. When the table is full, the entries not used lately go first (CLOCK).
class AccountCache {
 public:
  explicit AccountCache(std::size_t entries_max);
  ~AccountCache();
  AccountCache(const AccountCache&) = delete;
  AccountCache& operator=(const AccountCache&) = delete;

  /// False if nothing is remembered of `id`.
  bool find(AccountId id, Remembered& remembered) const noexcept;
  /// Whether prefetch() pays.
  bool is_beyond_processor_cache() const noexcept;
  /// Brings the account's line into the processor's cache.
  void prefetch(AccountId id) const noexcept;
  /// Notes that `id` is to be read again. True for the first who asks, until the entry is stored again.
  bool ask_refresh(AccountId id) noexcept;

  /// Remembers, in place of what was remembered of `id`, if anything.
  void store(AccountId id, const Remembered& remembered) noexcept;
  void erase(AccountId id) noexcept;

  /// Any thread.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  /// Of the table in use.
  std::size_t bytes() const noexcept;

 private:
  struct Slot;
  struct Table;

  const Slot* slot_of(AccountId id, std::uint64_t& value) const noexcept;
  Slot* writable_slot_of(AccountId id) noexcept;
  bool grow() noexcept;
  Slot* make_room(AccountId id) noexcept;
  void evict_one() noexcept;
  void vacate(Slot& slot) noexcept;

  const std::size_t entries_max_;
  const std::uint64_t seed_;
  std::atomic<Table*> table_{nullptr};
  std::vector<Table*> tables_;  // of the writer: every table ever used, because a reader may still be in an old one
  std::atomic<std::size_t> size_{0};
  std::size_t hand_ = 0;  // of the writer: where the next search for an entry to evict begins
};

}  // namespace tracking::engine
