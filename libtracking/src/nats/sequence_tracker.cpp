#include "nats/sequence_tracker.h"

#include <utility>

#include "codec/no_memory.h"

namespace tracking::nats_io {
namespace {

constexpr std::size_t entries_first = 1'024;  // a power of two

// Two pairs with one key would only show gaps that are none, once in 2^64 pairs of pairs.
std::uint64_t key_of(std::string_view producer, AccountId account_id) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : producer) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash ^= static_cast<std::uint64_t>(account_id);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;  // the finish of SplitMix64
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  hash ^= hash >> 31;
  return hash != 0 ? hash : 1;
}

}  // namespace

std::uint64_t SequenceTracker::missing_before(std::string_view producer, AccountId account_id,
                                              std::uint64_t sequence) noexcept {
  const std::uint64_t key = key_of(producer, account_id);
  Entry* entry = young_.find(key);
  Entry begun;  // that there is no memory for
  if (!entry) {
    const Entry* const known = old_.find(key);
    begun = {key, known ? known->last : sequence - 1};
    if (young_.used >= pairs_max_) old_ = std::exchange(young_, {});
    entry = has_memory_for([&] { young_.insert(begun); }) ? young_.find(key) : old_.find(key);
    if (!entry) entry = &begun;
    entry->last = begun.last;
  }
  if (sequence <= entry->last) return 0;
  return sequence - std::exchange(entry->last, sequence) - 1;
}

void SequenceTracker::clear() noexcept { young_ = old_ = {}; }

SequenceTracker::Entry* SequenceTracker::Table::find(std::uint64_t key) noexcept {
  if (entries.empty()) return nullptr;
  const std::size_t mask = entries.size() - 1;
  for (std::size_t i = key & mask;; i = (i + 1) & mask) {
    if (entries[i].key == key) return &entries[i];
    if (entries[i].key == 0) return nullptr;
  }
}

void SequenceTracker::Table::insert(const Entry& entry) {
  if ((used + 1) * 4 > entries.size() * 3) grow();
  const std::size_t mask = entries.size() - 1;
  std::size_t i = entry.key & mask;
  while (entries[i].key != 0) i = (i + 1) & mask;
  entries[i] = entry;
  ++used;
}

void SequenceTracker::Table::grow() {
  std::vector<Entry> before(entries.empty() ? entries_first : entries.size() * 2);
  before.swap(entries);
  used = 0;
  for (const Entry& entry : before) {
    if (entry.key != 0) insert(entry);
  }
}

}  // namespace tracking::nats_io
