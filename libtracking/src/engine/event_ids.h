// The ids that the service gives to events: UUIDv7 (RFC 9562) that this process can recognise as its own.
#pragma once

#include <tracking/event.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tracking::engine {

/// A UUIDv7 carries the event's timestamp to the microsecond (RFC 9562, 6.2, method 3) and 62 bits that look random: a
/// counter, and a keyed checksum of account, time, counter and lane. So a client that repeats an event with the id that
/// it was given is recognised without remembering any of the millions of ids given out.
class EventIdKey {
 public:
  EventIdKey();

  static constexpr std::size_t text_size = 36;
  static constexpr std::uint32_t counter_mask = 0xfff;

  /// An id is two pieces, because events of one time share the first: of 18 and of 18 characters.
  static constexpr std::size_t time_size = 18;
  static void write_time(char* out, Timestamp time) noexcept;
  /// Unique if no two calls have all arguments in common.
  void write_rest(char* out, AccountId account_id, Timestamp time, std::uint32_t counter,
                  std::uint32_t lane) const noexcept;

  /// When the event got this id from us for this account, or nothing if it did not.
  std::optional<Timestamp> verify(std::string_view id, AccountId account_id) const noexcept;

  /// A number for a new lane.
  std::uint32_t new_lane() noexcept { return lanes_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::uint64_t checksum(AccountId account_id, std::int64_t time_us, std::uint32_t counter,
                         std::uint32_t lane) const noexcept;

  std::array<std::uint64_t, 4> key_;
  std::atomic<std::uint32_t> lanes_{0};
};

}  // namespace tracking::engine
