// Recognises events that were tracked before: the idempotency key is (account_id, id).
#pragma once

#include <tracking/event.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace tracking::engine {

struct Batch;

/// One event of a batch.
struct EventSlot {
  Batch* batch = nullptr;
  std::uint32_t index = 0;
  bool has_line_breaks = false;  ///< in its data: they become spaces in the line
};

/// Thread-safe. Keys are remembered for `window`, and at least the last keys_max of them, as 128-bit keyed hashes: two
/// different keys that collide are not to be expected in the life of the universe.
class DuplicateFilter {
 public:
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  DuplicateFilter(std::size_t keys_max, std::chrono::nanoseconds window);
  ~DuplicateFilter();

  Key key(AccountId account_id, std::string_view id) const noexcept;

  enum class Verdict : std::uint8_t {
    fresh,     ///< go on, and call settle()
    repeated,  ///< it was accepted before, at `first_accepted`
    pending,   ///< the first is under way: settle() hands the slot back
    no_memory  ///< nothing was noted
  };
  struct Answer {
    Verdict verdict;
    Timestamp first_accepted{};
    AckLevel ack = AckLevel::sent;  ///< the level that the first reached
  };
  Answer begin(const Key& key, std::chrono::nanoseconds now, const EventSlot& slot) noexcept;

  /// The outcome of a fresh event. Only accepted ones are remembered. Returns the repeats that came meanwhile.
  std::vector<EventSlot> settle(const Key& key, bool is_accepted, Timestamp accepted, AckLevel ack,
                                std::chrono::nanoseconds now) noexcept;

  /// An event that was accepted before this process began, `settled` ago on its clock; to be called before any other
  /// function, at most keys_max times, and end_restoring() once after that.
  void restore(const Key& key, Timestamp accepted, AckLevel ack, std::chrono::nanoseconds settled);
  void end_restoring();

  /// Ids of our own making are recognised without being remembered, except those whose event may not have been stored.
  /// Once such a one had to be forgotten, because too many others came or there is no memory, every key counts as
  /// doubtful until its time is over: a repeat then may double an event, but is never answered for nothing.
  void remember_doubt(const Key& key, std::chrono::nanoseconds now) noexcept;
  bool is_in_doubt(const Key& key, std::chrono::nanoseconds now) noexcept;

 private:
  struct Shard;
  static constexpr std::size_t shard_count = 16;
  Shard& shard(const Key& key) noexcept;

  const std::size_t keys_per_generation_;
  const std::chrono::nanoseconds window_;
  const std::array<std::uint64_t, 4> secret_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace tracking::engine
