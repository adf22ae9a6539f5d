#include "http/event_id.h"

namespace tracking::remote {
namespace {

std::mt19937_64 seeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

EventIdMaker::EventIdMaker() : random_(seeded()) {}

EventId EventIdMaker::make(Timestamp now) noexcept {
  constexpr std::uint64_t version_mask = 0xf000, version = 0x7000;  // RFC 9562, 5.7
  constexpr std::uint64_t variant_mask = 3ull << 62, variant = 2ull << 62;
  const auto time_ms = static_cast<std::uint64_t>(now.time_since_epoch().count() / 1'000);
  const std::uint64_t high = (time_ms << 16) | ((random_() & 0xffff & ~version_mask) | version);
  const std::uint64_t low = (random_() & ~variant_mask) | variant;
  char text[36];
  char* out = text;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *out++ = '-';
    const std::uint64_t word = digit < 16 ? high : low;
    *out++ = "0123456789abcdef"[(word >> (60 - 4 * (digit % 16))) & 15];
  }
  return EventId({text, sizeof text});
}

}  // namespace tracking::remote
