// The ids that the service gives to events: UUIDv7 (RFC 9562) that this process can recognise as its own.
#pragma once

#include <tracking/event.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/uuid_text.h"

namespace tracking::engine {

/// A UUIDv7 carries the event's timestamp to the microsecond (RFC 9562, 6.2, method 3) and 62 bits that look random: a
/// counter, and a keyed checksum of account, time, counter and lane. So a client that repeats an event with the id that
/// it was given is recognised without remembering any of the millions of ids given out.
class EventIdKey {
 public:
  EventIdKey();

  static constexpr std::uint32_t counter_mask = 0xfff;

  /// What the ids of events of one time have in common.
  static codec::UuidText::Upper common_part(Timestamp time) noexcept;
  /// The id that begins with `common`, which is the part of `time`. Unique if no two calls have all arguments in
  /// common.
  codec::UuidText id(const codec::UuidText::Upper& common, AccountId account_id, Timestamp time, std::uint32_t counter,
                     std::uint32_t lane) const noexcept {
    counter &= counter_mask;
    return {common, variant << 62 | std::uint64_t{counter} << 50 |
                        checksum(account_id, time.time_since_epoch().count(), counter, lane)};
  }

  /// When the event got this id from us for this account, or nothing if it did not.
  std::optional<Timestamp> verify(std::string_view id, AccountId account_id) const noexcept;

  /// A number for a new lane.
  std::uint32_t new_lane() noexcept { return lanes_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t variant = 0x2;
  static constexpr std::uint64_t checksum_mask = (std::uint64_t{1} << 50) - 1;

  // The two halves of a 128-bit product, folded: the mixing step of wyhash.
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using uint128 = unsigned __int128;
    const uint128 product = static_cast<uint128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t checksum(AccountId account_id, std::int64_t time_us, std::uint32_t counter,
                         std::uint32_t lane) const noexcept {
    const std::uint64_t first =
        mix(static_cast<std::uint64_t>(account_id) ^ key_[0], static_cast<std::uint64_t>(time_us) ^ key_[1]);
    return mix(first ^ key_[2], (std::uint64_t{lane} << 32 | counter) ^ key_[3]) & checksum_mask;
  }

  std::array<std::uint64_t, 4> key_;
  std::atomic<std::uint32_t> lanes_{0};
};

}  // namespace tracking::engine
