// Notices numbers that are missing, for each producer and account.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tracking::nats_io {

/// Remembers the last number of up to 2 * accounts_max (producer, account) pairs, in 16 bytes each; those not seen for
/// longest are forgotten, and begin anew, as does one that there is no memory for. One thread at a time.
class SequenceTracker {
 public:
  explicit SequenceTracker(std::size_t pairs_max = 500'000) : pairs_max_(pairs_max) {}

  /// How many numbers are missing before this one; the first of a pair is its base line. 0 for a repeat.
  std::uint64_t missing_before(std::string_view producer, AccountId account_id, std::uint64_t sequence) noexcept;
  /// Every pair begins anew: events were missed, and that was told.
  void clear() noexcept;

 private:
  struct Entry {
    std::uint64_t key = 0;  ///< 0 = free
    std::uint64_t last = 0;
  };
  /// Open addressing; never more than three quarters full.
  struct Table {
    std::vector<Entry> entries = {};
    std::size_t used = 0;
    Entry* find(std::uint64_t key) noexcept;
    void insert(const Entry& entry);
    void grow();
  };

  const std::size_t pairs_max_;
  Table young_;
  Table old_;  // what was young before: entries in use move over
};

}  // namespace tracking::nats_io
