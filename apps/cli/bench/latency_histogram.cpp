#include "latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tracking::cli {

void LatencyHistogram::record(std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t longest = (std::int64_t{1} << value_bits) - 1;
  const std::int64_t value = std::clamp<std::int64_t>(nanoseconds, 0, longest);
  ++buckets_[bucket_of(static_cast<std::uint64_t>(value))];
  ++count_;
  sum_ += static_cast<double>(value);
  max_ = std::max(max_, value);
}

std::size_t LatencyHistogram::bucket_of(std::uint64_t value) noexcept {
  constexpr std::uint64_t exact = 1u << exact_bits;
  if (value < exact) return value;
  // After the shift it has exact_bits bits, of which the highest is set: 128 .. 255.
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - exact_bits;
  return exact + (shift - 1) * parts + ((value >> shift) - parts);
}

std::uint64_t LatencyHistogram::highest_in(std::size_t bucket) noexcept {
  constexpr std::uint64_t exact = 1u << exact_bits;
  if (bucket < exact) return bucket;
  const std::uint64_t shift = (bucket - exact) / parts + 1;
  return ((parts + (bucket - exact) % parts + 1) << shift) - 1;
}

std::int64_t LatencyHistogram::percentile(double fraction) const noexcept {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::min(max_, static_cast<std::int64_t>(highest_in(bucket)));
  }
  return max_;
}

}  // namespace tracking::cli
