#include "engine/duplicate_filter.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace tracking::engine {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using uint128 = unsigned __int128;
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::array<std::uint64_t, 4> random_secret() {
  std::random_device device;
  std::array<std::uint64_t, 4> secret;
  for (auto& word : secret) word = std::uint64_t{device()} << 32 | device() | 1;
  return secret;
}

struct KeyHash {
  std::size_t operator()(const DuplicateFilter::Key& key) const noexcept { return key.low; }
};

// Keys in the order of their coming, in a flat hash table that only grows.
class Generation {
 public:
  struct Entry {
    DuplicateFilter::Key key;
    std::int64_t accepted_us = 0;
    std::int64_t settled_ns = 0;
    AckLevel ack = AckLevel::sent;
    bool is_doubtful = false;
    bool is_used = false;
  };

  std::size_t size() const noexcept { return size_; }

  Entry* find(const DuplicateFilter::Key& key) noexcept {
    if (entries_.empty()) return nullptr;
    Entry& entry = place(key);
    return entry.is_used ? &entry : nullptr;
  }

  /// Sees that so many more need no memory. False: there is none.
  bool make_room(std::size_t more) noexcept {
    while ((size_ + more) * 2 > entries_.size()) {
      if (!grow()) return size_ + more < entries_.size();  // a search ends at a free slot, so one stays free
    }
    return true;
  }

  /// False: no memory.
  bool insert(const Entry& entry) noexcept {
    if (!make_room(1)) return false;
    Entry& slot = place(entry.key);
    if (!slot.is_used) ++size_;
    slot = entry;
    slot.is_used = true;
    if (entry.is_doubtful) last_doubt_ns_ = std::max(last_doubt_ns_, entry.settled_ns);
    return true;
  }

  void clear() noexcept {
    entries_ = {};
    size_ = 0;
    last_doubt_ns_ = never;
  }

  static constexpr std::int64_t never = INT64_MIN / 2;
  /// When its latest doubtful entry was settled.
  std::int64_t last_doubt_ns() const noexcept { return last_doubt_ns_; }

 private:
  static constexpr std::size_t entries_min = 64;

  Entry& place(const DuplicateFilter::Key& key) noexcept {
    for (std::size_t i = key.high;; ++i) {
      Entry& entry = entries_[i & (entries_.size() - 1)];
      if (!entry.is_used || entry.key == key) return entry;
    }
  }

  bool grow() noexcept {
    try {
      std::vector<Entry> old(entries_.empty() ? entries_min : entries_.size() * 2);
      old.swap(entries_);
      for (const Entry& entry : old) {
        if (entry.is_used) place(entry.key) = entry;
      }
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
  std::int64_t last_doubt_ns_ = never;
};

// What a process knows from those before it takes half as much room: it is known as a whole when it begins.
struct RestoredKey {
  DuplicateFilter::Key key;
  std::int64_t accepted_us = 0;
  std::int64_t settled_ns = 0;
  AckLevel ack = AckLevel::sent;
};

bool is_less(const DuplicateFilter::Key& a, const DuplicateFilter::Key& b) noexcept {
  return a.high != b.high ? a.high < b.high : a.low < b.low;
}

}  // namespace

// Two generations: when the newer is full or a window old, the older is forgotten as a whole. So a key is found for at
// least its window, or at least while keys_max others came after it.
struct DuplicateFilter::Shard {
  std::mutex mutex;
  std::unordered_map<Key, std::vector<EventSlot>, KeyHash> pending;  // fresh events under way, and their repeats
  Generation newer;
  Generation older;
  std::chrono::nanoseconds newer_since{0};
  std::chrono::nanoseconds doubts_lost_until{Generation::never};
  std::vector<RestoredKey> restored;  // sorted; forgotten as a whole
  std::chrono::nanoseconds restored_until{0};

  const RestoredKey* find_restored(const Key& key, std::chrono::nanoseconds now) noexcept {
    if (restored.empty()) return nullptr;
    if (now > restored_until) restored = {};
    const auto found = std::lower_bound(restored.begin(), restored.end(), key,
                                        [](const RestoredKey& a, const Key& b) { return is_less(a.key, b); });
    return found != restored.end() && found->key == key ? &*found : nullptr;
  }

  Generation::Entry* find(const Key& key) noexcept {
    auto* entry = newer.find(key);
    return entry ? entry : older.find(key);
  }

  void insert(const Generation::Entry& entry, std::size_t keys_max, std::chrono::nanoseconds window,
              std::chrono::nanoseconds now) noexcept {
    if (newer.size() >= keys_max || now - newer_since > window) begin_generation(window, now);
    if (newer.insert(entry)) return;
    forget(older, window);
    if (newer.insert(entry)) return;
    forget(newer, window);
    if (newer.insert(entry) || !entry.is_doubtful) return;
    doubts_lost_until = std::max(doubts_lost_until, std::chrono::nanoseconds(entry.settled_ns) + window);
  }

  void begin_generation(std::chrono::nanoseconds window, std::chrono::nanoseconds now) noexcept {
    Generation next;
    if (!next.make_room(1)) return;  // the one that there is has room for what is under way
    forget(older, window);
    older = std::move(newer);
    newer = std::move(next);
    newer_since = now;
  }

  void forget(Generation& generation, std::chrono::nanoseconds window) noexcept {
    doubts_lost_until = std::max(doubts_lost_until, std::chrono::nanoseconds(generation.last_doubt_ns()) + window);
    generation.clear();
  }
};

DuplicateFilter::DuplicateFilter(std::size_t keys_max, std::chrono::nanoseconds window)
    // An eighth more, for shards that get more than their share.
    : keys_per_generation_(keys_max / shard_count * 9 / 8 + 1),
      window_(window),
      secret_(random_secret()),
      shards_(std::make_unique<Shard[]>(shard_count)) {}

DuplicateFilter::~DuplicateFilter() = default;

DuplicateFilter::Key DuplicateFilter::key(AccountId account_id, std::string_view id) const noexcept {
  Key key{static_cast<std::uint64_t>(account_id) ^ secret_[0], id.size() ^ secret_[1]};
  for (std::size_t at = 0; at < id.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, id.data() + at, std::min<std::size_t>(8, id.size() - at));
    key.high = mix(key.high ^ word, secret_[2]);
    key.low = mix(key.low ^ word, secret_[3]);
  }
  return {mix(key.high ^ secret_[3], secret_[1]), mix(key.low ^ secret_[2], secret_[0])};
}

DuplicateFilter::Shard& DuplicateFilter::shard(const Key& key) noexcept { return shards_[key.low % shard_count]; }

DuplicateFilter::Answer DuplicateFilter::begin(const Key& key, std::chrono::nanoseconds now,
                                               const EventSlot& slot) noexcept {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  const auto* entry = shard.find(key);
  if (entry && !entry->is_doubtful && now - std::chrono::nanoseconds(entry->settled_ns) <= window_)
    return {Verdict::repeated, Timestamp(std::chrono::microseconds(entry->accepted_us)), entry->ack};
  const auto* restored = shard.find_restored(key, now);
  if (restored && now - std::chrono::nanoseconds(restored->settled_ns) <= window_)
    return {Verdict::repeated, Timestamp(std::chrono::microseconds(restored->accepted_us)), restored->ack};
  // What is accepted will be remembered without asking for memory.
  if (!shard.newer.make_room(shard.pending.size() + 1)) return {Verdict::no_memory};
  try {
    const auto [place, is_new] = shard.pending.try_emplace(key);
    if (is_new) return {Verdict::fresh};
    place->second.push_back(slot);
    return {Verdict::pending};
  } catch (const std::bad_alloc&) {
    return {Verdict::no_memory};
  }
}

std::vector<EventSlot> DuplicateFilter::settle(const Key& key, bool is_accepted, Timestamp accepted, AckLevel ack,
                                               std::chrono::nanoseconds now) noexcept {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  if (is_accepted) {
    shard.insert(
        {.key = key, .accepted_us = accepted.time_since_epoch().count(), .settled_ns = now.count(), .ack = ack},
        keys_per_generation_, window_, now);
  }
  auto node = shard.pending.extract(key);
  return node ? std::move(node.mapped()) : std::vector<EventSlot>();
}

void DuplicateFilter::restore(const Key& key, Timestamp accepted, AckLevel ack, std::chrono::nanoseconds settled) {
  Shard& shard = this->shard(key);
  shard.restored.push_back({key, accepted.time_since_epoch().count(), settled.count(), ack});
  shard.restored_until = std::max(shard.restored_until, settled + window_);
}

void DuplicateFilter::end_restoring() {
  for (std::size_t i = 0; i < shard_count; ++i) {
    auto& restored = shards_[i].restored;
    std::sort(restored.begin(), restored.end(),
              [](const RestoredKey& a, const RestoredKey& b) { return is_less(a.key, b.key); });
  }
}

void DuplicateFilter::remember_doubt(const Key& key, std::chrono::nanoseconds now) noexcept {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  shard.insert({.key = key, .settled_ns = now.count(), .is_doubtful = true}, keys_per_generation_, window_, now);
}

bool DuplicateFilter::is_in_doubt(const Key& key, std::chrono::nanoseconds now) noexcept {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  if (now <= shard.doubts_lost_until) return true;
  const auto* entry = shard.find(key);
  return entry && entry->is_doubtful;
}

}  // namespace tracking::engine
