// Pieces of a history in memory, and the pages that they use again.
#pragma once

#include <tracking/broker.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace tracking::history {

/// Fetches a cache line that is to be written to, from another core's cache, too.
inline void prefetch_to_write(const void* at) noexcept {
#if defined(__x86_64__)
  // What __builtin_prefetch(at, 1) stands for. Built for any processor of this kind, it would fetch the line to be
  // read, which leaves it with the other core. Where the instruction is not known it does nothing.
  asm volatile("prefetchw (%0)" : : "r"(at));
#else
  __builtin_prefetch(at, 1);
#endif
}

/// The lines of up to entries_max events, one after the other. Append-only while it is the newest, then constant, until
/// its last holder lets go and its pages are used again. It is written with the history's mutex held; what stands
/// before `count` never changes, and may be read by any holder without the mutex.
struct Chunk {
  /// One position. Where no event stands (a hole), all of it but the offset is 0.
  struct Entry {
    std::uint32_t offset;
    std::uint32_t size;
    AccountId account_id;
    Timestamp timestamp;
  };
  static constexpr std::size_t text_bytes = 256 << 10;
  static constexpr std::size_t entries_max = 4'096;
  static constexpr std::size_t cache_line_bytes = 64;

  // Constant but for the last two: what readers look at, apart from what changes at each event.
  std::uint64_t first_position = 0;
  std::uint64_t events_before = 0;  ///< how many events the history had before this chunk
  std::size_t capacity = 0;
  std::unique_ptr<char[]> text;
  std::unique_ptr<Entry[]> entries;
  std::atomic<std::uint32_t> count{0};   ///< of entries that readers may see
  std::atomic<bool> is_complete{false};  ///< there will be no more

  // Guarded by the history's mutex.
  alignas(cache_line_bytes) std::uint32_t written = 0;  ///< of entries; equal to `count` when the mutex is free
  std::uint32_t holes = 0;                              ///< of these, without an event
  std::size_t used = 0;                                 ///< of `text`
  std::size_t prefetched = 0;                           ///< of `text`, at least
  Timestamp newest{};                                   ///< the latest of the events' timestamps

  /// Enters lines whose texts stand one behind the other in `text`, from `used` on.
  void add(std::span<const Line> lines) noexcept {
    Entry* entry = &entries[written];
    auto offset = static_cast<std::uint32_t>(used);
    Timestamp latest = newest;
    for (const Line& line : lines) {
      const auto size = static_cast<std::uint32_t>(line.json.size());
      *entry++ = {offset, size, line.account_id, line.timestamp};
      offset += size;
      latest = std::max(latest, line.timestamp);
    }
    written += static_cast<std::uint32_t>(lines.size());
    used = offset;
    newest = latest;
  }
  bool has_room(std::size_t events, std::size_t bytes) const noexcept {
    return written + events <= entries_max && used + bytes <= capacity;
  }
  void add_hole() noexcept {
    entries[written++] = {static_cast<std::uint32_t>(used), 0, 0, {}};
    ++holes;
  }
  /// The processor of a reader that keeps up fetches what lies ahead of it, which is where the next events go. It is
  /// taken back early: else each lock that is let go after an event was written waits for that.
  void prefetch_next() noexcept {
    constexpr std::size_t lines_ahead = 16;
    constexpr std::size_t entries_ahead = lines_ahead / 2 * cache_line_bytes / sizeof(Entry);
    if (written + entries_ahead < entries_max) prefetch_to_write(&entries[written + entries_ahead]);
    const std::size_t end = std::min(used + lines_ahead * cache_line_bytes, capacity);
    for (prefetched = std::max(prefetched, used); prefetched < end; prefetched += cache_line_bytes)
      prefetch_to_write(&text[prefetched]);
  }
  /// Shows readers what was added: once for many events, as it takes a cache line from each of them.
  void show() noexcept { count.store(written, std::memory_order_release); }
  std::uint64_t end_position() const noexcept { return first_position + count.load(std::memory_order_acquire); }
  /// Of the lines from `position` on, which it has, to before `end`.
  std::uint64_t bytes_between(std::uint64_t position, std::uint64_t end) const noexcept {
    return at(end - 1).offset + at(end - 1).size - at(position).offset;
  }
  std::uint64_t events() const noexcept { return count - holes; }
  const Entry& at(std::uint64_t position) const noexcept { return entries[position - first_position]; }
  std::string_view line(const Entry& entry) const noexcept { return {text.get() + entry.offset, entry.size}; }
};

/// Chunks that were let go, kept for use again: fresh pages cost a page fault each. Thread-safe.
class ChunkPool : public std::enable_shared_from_this<ChunkPool> {
 public:
  ChunkPool() { free_.reserve(kept_max); }
  /// An empty chunk with room for a line of that size at least.
  std::shared_ptr<Chunk> take(std::size_t line_bytes);

 private:
  void put(std::unique_ptr<Chunk> chunk);
  static constexpr std::size_t kept_max = 8;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Chunk>> free_;  // guarded by mutex_
};

}  // namespace tracking::history
