#include "engine/event_ids.h"

#include <algorithm>
#include <random>

namespace tracking::engine {
namespace {

constexpr std::uint64_t version_7 = 0x7;
// Lanes come and go with threads; a repeat is looked for among the latest.
constexpr std::uint32_t lanes_verified_max = 64;

constexpr auto hex_values = [] {
  std::array<int, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < 10; ++i) values['0' + i] = static_cast<int>(i);
  for (std::size_t i = 0; i < 6; ++i) values['a' + i] = static_cast<int>(10 + i);
  return values;
}();

struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  if (text.size() != codec::UuidText::size) return std::nullopt;
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

codec::UuidText::Upper EventIdKey::common_part(Timestamp time) noexcept {
  const std::int64_t us = time.time_since_epoch().count();
  const auto ms = static_cast<std::uint64_t>(us / 1'000);
  // 4,096 steps hold a millisecond's 1,000 microseconds without loss.
  const auto fraction = static_cast<std::uint64_t>(us % 1'000) * 4'096 / 1'000;
  return codec::UuidText::Upper(ms << 16 | version_7 << 12 | fraction);
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
