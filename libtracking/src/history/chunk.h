// Pieces of a history in memory, and the pages that they use again.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace tracking::history {

/// The lines of up to entries_max events, one after the other. Append-only while it is the newest, then constant, until
/// its last holder lets go and its pages are used again.
struct Chunk {
  /// One position. Where no event stands (a hole), all of it is 0.
  struct Entry {
    std::uint32_t offset;
    std::uint32_t size;
    AccountId account_id;
    Timestamp timestamp;
  };
  static constexpr std::size_t text_bytes = 256 << 10;
  static constexpr std::size_t entries_max = 4'096;

  std::uint64_t first_position = 0;
  std::uint64_t events_before = 0;  ///< how many events the history had before this chunk
  std::uint32_t count = 0;          ///< of entries; read and written with the history's mutex held
  std::uint32_t holes = 0;          ///< of these, without an event; likewise
  std::size_t used = 0;
  std::size_t capacity = 0;
  std::unique_ptr<char[]> text;
  std::unique_ptr<Entry[]> entries;

  std::uint64_t end_position() const noexcept { return first_position + count; }
  std::uint64_t events() const noexcept { return count - holes; }
  const Entry& at(std::uint64_t position) const noexcept { return entries[position - first_position]; }
  std::string_view line(const Entry& entry) const noexcept { return {text.get() + entry.offset, entry.size}; }
};

/// Chunks that were let go, kept for use again: fresh pages cost a page fault each. Thread-safe.
class ChunkPool : public std::enable_shared_from_this<ChunkPool> {
 public:
  /// An empty chunk with room for a line of that size at least.
  std::shared_ptr<Chunk> take(std::size_t line_bytes);

 private:
  void put(std::unique_ptr<Chunk> chunk);
  static constexpr std::size_t kept_max = 8;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Chunk>> free_;  // guarded by mutex_
};

}  // namespace tracking::history
