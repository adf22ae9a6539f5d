#include "engine/event_ids.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace tracking::engine {
namespace {

constexpr std::uint64_t checksum_mask = (std::uint64_t{1} << 50) - 1;
constexpr std::uint64_t version_7 = 0x7;
constexpr std::uint64_t variant = 0x2;
// Lanes come and go with threads; a repeat is looked for among the latest.
constexpr std::uint32_t lanes_verified_max = 64;

// The two halves of a 128-bit product, folded: the mixing step of wyhash.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using uint128 = unsigned __int128;
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr auto hex_values = [] {
  std::array<int, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < 10; ++i) values['0' + i] = static_cast<int>(i);
  for (std::size_t i = 0; i < 6; ++i) values['a' + i] = static_cast<int>(10 + i);
  return values;
}();

/// Writes the eight hexadecimal digits of `value`: all at once, a byte of the word for each.
void write_hex(char* out, std::uint32_t value) noexcept {
  std::uint64_t digits = value;
  digits = (digits << 16 | digits) & 0x0000ffff0000ffff;
  digits = (digits << 8 | digits) & 0x00ff00ff00ff00ff;
  digits = (digits << 4 | digits) & 0x0f0f0f0f0f0f0f0f;  // the lowest digit in the lowest byte
  const std::uint64_t is_letter = (digits + 0x0606060606060606) >> 4 & 0x0101010101010101;
  digits += 0x3030303030303030 + is_letter * ('a' - '0' - 10);
  if constexpr (std::endian::native == std::endian::little) digits = __builtin_bswap64(digits);
  std::memcpy(out, &digits, sizeof digits);
}

struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  if (text.size() != EventIdKey::text_size) return std::nullopt;
  Uuid uuid;
  int digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_values[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::nullopt;
    std::uint64_t& half = digits++ < 16 ? uuid.high : uuid.low;
    half = half << 4 | static_cast<std::uint64_t>(value);
  }
  return uuid;
}

}  // namespace

EventIdKey::EventIdKey() {
  std::random_device device;
  for (auto& word : key_) word = std::uint64_t{device()} << 32 | device();
}

std::uint64_t EventIdKey::checksum(AccountId account_id, std::int64_t time_us, std::uint32_t counter,
                                   std::uint32_t lane) const noexcept {
  const std::uint64_t first =
      mix(static_cast<std::uint64_t>(account_id) ^ key_[0], static_cast<std::uint64_t>(time_us) ^ key_[1]);
  return mix(first ^ key_[2], (std::uint64_t{lane} << 32 | counter) ^ key_[3]) & checksum_mask;
}

void EventIdKey::write_time(char* out, Timestamp time) noexcept {
  const std::int64_t us = time.time_since_epoch().count();
  const auto ms = static_cast<std::uint64_t>(us / 1'000);
  // 4,096 steps hold a millisecond's 1,000 microseconds without loss.
  const auto fraction = static_cast<std::uint64_t>(us % 1'000) * 4'096 / 1'000;
  char digits[16];
  write_hex(digits, static_cast<std::uint32_t>(ms >> 16));
  write_hex(digits + 8, static_cast<std::uint32_t>(ms << 16 | version_7 << 12 | fraction));
  std::memcpy(out, digits, 8);
  out[8] = '-';
  std::memcpy(out + 9, digits + 8, 4);
  out[13] = '-';
  std::memcpy(out + 14, digits + 12, 4);
}

void EventIdKey::write_rest(char* out, AccountId account_id, Timestamp time, std::uint32_t counter,
                            std::uint32_t lane) const noexcept {
  counter &= counter_mask;
  const std::uint64_t low = variant << 62 | std::uint64_t{counter} << 50 |
                            checksum(account_id, time.time_since_epoch().count(), counter, lane);
  char digits[8];
  write_hex(digits, static_cast<std::uint32_t>(low >> 32));
  out[0] = '-';
  std::memcpy(out + 1, digits, 4);
  out[5] = '-';
  std::memcpy(out + 6, digits + 4, 4);
  write_hex(out + 10, static_cast<std::uint32_t>(low));
}

std::optional<Timestamp> EventIdKey::verify(std::string_view id, AccountId account_id) const noexcept {
  const auto uuid = parse_uuid(id);
  if (!uuid || (uuid->high >> 12 & 0xf) != version_7 || uuid->low >> 62 != variant) return std::nullopt;
  const auto fraction = uuid->high & 0xfff;
  const auto us = static_cast<std::int64_t>((uuid->high >> 16) * 1'000 + (fraction * 1'000 + 4'095) / 4'096);
  const auto counter = static_cast<std::uint32_t>(uuid->low >> 50) & counter_mask;
  const std::uint64_t expected = uuid->low & checksum_mask;
  const std::uint32_t lanes = lanes_.load(std::memory_order_relaxed);
  for (std::uint32_t lane = lanes - std::min(lanes, lanes_verified_max); lane < lanes; ++lane) {
    if (checksum(account_id, us, counter, lane) == expected) return Timestamp(std::chrono::microseconds(us));
  }
  return std::nullopt;
}

}  // namespace tracking::engine
