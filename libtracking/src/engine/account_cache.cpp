#include "engine/account_cache.h"

#include <algorithm>
#include <bit>
#include <new>
#include <random>

#include "engine/zeroed_pages.h"

namespace tracking::engine {
namespace {

// A value word: state (2 bits, 0 = nothing here), flags, version (19 bits), and when it was verified (40 bits of
// milliseconds: 34 years). The version changes whenever the slot gets another account, so that a reader that sees the
// same value before and after it read the key knows that both belong together.
constexpr std::uint64_t state_mask = 3;
constexpr std::uint64_t referenced = 1 << 2;
constexpr std::uint64_t refresh_asked = 1 << 3;
constexpr std::uint64_t doubted = 1 << 4;
constexpr std::uint64_t version_step = 1 << 5;
constexpr std::uint64_t version_mask = 0xffffe0;
constexpr int verified_shift = 24;
constexpr std::uint64_t set_by_readers = referenced | refresh_asked;

constexpr std::size_t window = 4;  // buckets in which an account may be
constexpr std::size_t slots_per_bucket = 4;
constexpr std::size_t slots_in_reach = window * slots_per_bucket;
constexpr std::size_t buckets_min = 32;
constexpr std::size_t growth = 4;

std::uint64_t encode(const Remembered& remembered, std::uint64_t version) {
  return (static_cast<std::uint64_t>(remembered.state) + 1) | (remembered.is_doubted ? doubted : 0) |
         (remembered.refresh_asked ? refresh_asked : 0) | (version & version_mask) |
         (remembered.verified << verified_shift);
}

Remembered decode(std::uint64_t value) {
  return {.state = static_cast<AccountState>((value & state_mask) - 1),
          .verified = value >> verified_shift,
          .is_doubted = (value & doubted) != 0,
          .refresh_asked = (value & refresh_asked) != 0};
}

/// 30 bytes an entry. A table of a million has room for all but 0.1 % of them (simulated, with a window of 4; with a
/// half more than they need it would be 0.6 %).
std::size_t buckets_for(std::size_t entries) { return entries * 15 / 8 / slots_per_bucket + 1; }

/// The finaliser of SplitMix64. The seed is secret, so that nobody can choose ids that meet in one bucket.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace

struct AccountCache::Slot {
  std::atomic<std::uint64_t> key;  // the account's id, 0 = free
  std::atomic<std::uint64_t> value;
};

/// Pages that no account hashes to take no memory.
struct AccountCache::Table {
  static Table* make(std::size_t home_buckets) noexcept {
    const std::size_t slot_count = (home_buckets + window - 1) * slots_per_bucket;
    try {
      ZeroedPages pages(slot_count * sizeof(Slot));
      auto* const slots = static_cast<Slot*>(pages.data());
      return new Table{home_buckets, slot_count, slots, std::move(pages)};
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  /// Gives the memory back but stays readable, as an empty table, for readers that still look here.
  void retire() noexcept { pages.clear(); }

  std::size_t bytes() const { return pages.bytes(); }
  /// The first of the slots_in_reach where an account may be.
  Slot* home(std::uint64_t hash) const { return slots + (((hash >> 32) * home_buckets) >> 32) * slots_per_bucket; }

  std::size_t home_buckets;  // below 2^32
  std::size_t slot_count;
  Slot* slots;  // in pages
  ZeroedPages pages;
};

AccountCache::AccountCache(std::size_t entries_max)
    : entries_max_(std::clamp<std::size_t>(entries_max, 1, std::size_t{1} << 32)), seed_(random_seed()) {
  std::size_t buckets = buckets_for(entries_max_);  // sizes that end, growing fourfold, at this
  while (buckets / growth >= buckets_min) buckets = (buckets + growth - 1) / growth;
  tables_.reserve(17);  // for all that there can be: 2^32 is 4^16
  Table* table = Table::make(buckets);
  if (!table) throw std::bad_alloc();
  tables_.push_back(table);
  table_ = table;
}

AccountCache::~AccountCache() {
  for (Table* table : tables_) delete table;
}

[[gnu::always_inline]] inline const AccountCache::Slot* AccountCache::slot_of(AccountId id,
                                                                              std::uint64_t& value) const noexcept {
  const auto key = static_cast<std::uint64_t>(id);
  const Slot* bucket = table_.load(std::memory_order_acquire)->home(mix(key ^ seed_));
  for (std::size_t i = 0; i < window; ++i, bucket += slots_per_bucket) {
    // All four are compared before the one branch, because which of them it is cannot be predicted.
    unsigned matches = 0;
#pragma GCC unroll 4
    for (unsigned at = 0; at < slots_per_bucket; ++at) {
      matches |= static_cast<unsigned>(bucket[at].key.load(std::memory_order_relaxed) == key) << at;
    }
    if (matches == 0) continue;
    const Slot& slot = bucket[std::countr_zero(matches)];
    const std::uint64_t before = slot.value.load(std::memory_order_acquire);
    const bool is_ours = slot.key.load(std::memory_order_acquire) == key;
    value = slot.value.load(std::memory_order_relaxed);
    if (is_ours && (value & state_mask) != 0 && ((before ^ value) & ~set_by_readers) == 0) return &slot;
  }
  return nullptr;
}

bool AccountCache::find(AccountId id, Remembered& remembered) const noexcept {
  std::uint64_t value;
  const Slot* slot = slot_of(id, value);
  if (!slot) return false;
  remembered = decode(value);
  if ((value & referenced) == 0) {
    // Marking an entry as used changes nothing that a caller could see.
    const_cast<Slot*>(slot)->value.compare_exchange_weak(value, value | referenced, std::memory_order_relaxed);
  }
  return true;
}

void AccountCache::prefetch(AccountId id) const noexcept {
  __builtin_prefetch(table_.load(std::memory_order_acquire)->home(mix(static_cast<std::uint64_t>(id) ^ seed_)));
}

bool AccountCache::ask_refresh(AccountId id) noexcept {
  std::uint64_t value;
  const Slot* slot = slot_of(id, value);
  if (!slot || (value & refresh_asked) != 0) return false;
  return const_cast<Slot*>(slot)->value.compare_exchange_strong(value, value | refresh_asked,
                                                                std::memory_order_relaxed);
}

AccountCache::Slot* AccountCache::writable_slot_of(AccountId id) noexcept {
  std::uint64_t value;
  return const_cast<Slot*>(slot_of(id, value));
}

void AccountCache::store(AccountId id, const Remembered& remembered) noexcept {
  if (Slot* slot = writable_slot_of(id)) {
    const std::uint64_t old = slot->value.load(std::memory_order_relaxed);
    slot->value.store(encode(remembered, old) | (old & referenced), std::memory_order_release);
    return;
  }
  Slot* slot = make_room(id);
  // Between these stores a reader finds either no state, or a version that is not the one it saw before.
  const std::uint64_t version = slot->value.load(std::memory_order_relaxed) + version_step;
  slot->value.store(version & version_mask, std::memory_order_relaxed);
  slot->key.store(static_cast<std::uint64_t>(id), std::memory_order_release);
  slot->value.store(encode(remembered, version) | referenced, std::memory_order_release);
  size_.fetch_add(1, std::memory_order_relaxed);
}

void AccountCache::erase(AccountId id) noexcept {
  if (Slot* slot = writable_slot_of(id)) vacate(*slot);
}

void AccountCache::vacate(Slot& slot) noexcept {
  const std::uint64_t version = slot.value.load(std::memory_order_relaxed) + version_step;
  slot.value.store(version & version_mask, std::memory_order_relaxed);
  slot.key.store(0, std::memory_order_release);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

/// A free slot where `id` may be.
AccountCache::Slot* AccountCache::make_room(AccountId id) noexcept {
  const std::size_t size = size_.load(std::memory_order_relaxed);
  if (size >= entries_max_) evict_one();
  Table* table = table_.load(std::memory_order_relaxed);
  if (buckets_for(size) > table->home_buckets && grow()) table = table_.load(std::memory_order_relaxed);

  Slot* const home = table->home(mix(static_cast<std::uint64_t>(id) ^ seed_));
  for (Slot* slot = home; slot != home + slots_in_reach; ++slot) {
    if (slot->key.load(std::memory_order_relaxed) == 0) return slot;
  }
  // All taken. The second round finds one in any case, because the first takes the marks away.
  for (std::size_t i = 0;; ++i) {
    Slot& slot = home[(hand_ + i) % slots_in_reach];
    if ((slot.value.fetch_and(~referenced, std::memory_order_relaxed) & referenced) != 0) continue;
    hand_ += i + 1;
    vacate(slot);
    return &slot;
  }
}

/// Frees the next entry that was not used since the hand last passed.
void AccountCache::evict_one() noexcept {
  Table* table = table_.load(std::memory_order_relaxed);
  for (std::size_t step = 0; step < 2 * table->slot_count; ++step) {
    hand_ = (hand_ + 1) % table->slot_count;
    Slot& slot = table->slots[hand_];
    if (slot.key.load(std::memory_order_relaxed) == 0) continue;
    if ((slot.value.fetch_and(~referenced, std::memory_order_relaxed) & referenced) == 0) return vacate(slot);
  }
}

/// Moves everything into a table four times as big. Readers go on in the old one meanwhile.
bool AccountCache::grow() noexcept {
  Table* const old = table_.load(std::memory_order_relaxed);
  const std::size_t buckets_max = buckets_for(entries_max_);
  if (old->home_buckets >= buckets_max) return false;
  Table* const bigger = Table::make(std::min(old->home_buckets * growth, buckets_max));
  if (!bigger) return false;
  try {
    tables_.push_back(bigger);
  } catch (const std::bad_alloc&) {
    delete bigger;
    return false;
  }
  std::size_t moved = 0;
  for (const Slot* from = old->slots; from != old->slots + old->slot_count; ++from) {
    const std::uint64_t key = from->key.load(std::memory_order_relaxed);
    if (key == 0) continue;
    Slot* to = bigger->home(mix(key ^ seed_));
    Slot* const end = to + slots_in_reach;
    while (to != end && to->key.load(std::memory_order_relaxed) != 0) ++to;
    if (to == end) continue;  // forgotten: it will be asked for again
    to->value.store(from->value.load(std::memory_order_relaxed) & ~refresh_asked, std::memory_order_relaxed);
    to->key.store(key, std::memory_order_relaxed);
    ++moved;
  }
  size_.store(moved, std::memory_order_relaxed);
  hand_ = 0;
  table_.store(bigger, std::memory_order_release);
  old->retire();
  return true;
}

bool AccountCache::is_beyond_processor_cache() const noexcept {
  return table_.load(std::memory_order_acquire)->pages.is_beyond_cache();
}

std::size_t AccountCache::bytes() const noexcept { return table_.load(std::memory_order_relaxed)->bytes(); }

}  // namespace tracking::engine
