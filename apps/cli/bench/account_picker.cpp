#include "account_picker.h"

#include "common/options.h"
#include "common/values.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

namespace tracking::cli {
namespace {

std::optional<AccountId> parse_id(std::string_view text) {
  const auto number = apps::parse_integer(text);
  if (!number || *number == 0 || *number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<AccountId>(*number);
}

}  // namespace

std::uint64_t Random::next() noexcept {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

Result<AccountRanges> AccountRanges::parse(const std::vector<std::string>& texts) {
  AccountRanges ranges;
  for (std::string_view text : texts) {
    while (!text.empty()) {
      const auto comma = std::min(text.find(','), text.size());
      const auto item = text.substr(0, comma);
      text.remove_prefix(std::min(comma + 1, text.size()));
      const auto dash = std::min(item.find('-'), item.size());
      const auto first = parse_id(item.substr(0, dash));
      const auto last = dash < item.size() ? parse_id(item.substr(dash + 1)) : first;
      if (!first || !last || *last < *first) {
        return {
            Code::invalid_parameter,
            apps::in_quotes(item) + " is neither an account (1 to 9223372036854775807) nor a range of them (1-1000)"};
      }
      ranges.ranges_.push_back({*first, ranges.size_});
      ranges.size_ += static_cast<std::uint64_t>(*last - *first) + 1;
    }
  }
  if (ranges.size_ == 0) return {Code::invalid_parameter, "name at least one account"};
  return ranges;
}

AccountId AccountRanges::at(std::uint64_t index) const noexcept {
  auto range = std::upper_bound(ranges_.begin(), ranges_.end(), index,
                                [](std::uint64_t wanted, const Range& candidate) { return wanted < candidate.begin; });
  --range;
  return range->first + static_cast<AccountId>(index - range->begin);
}

Zipf::Zipf(std::uint64_t size, double exponent)
    : size_(static_cast<double>(size)),
      exponent_(exponent),
      integral_first_(integral(1.5) - 1),
      integral_size_(integral(size_ + 0.5)),
      cut_(2 - integral_inverse(integral(2.5) - density(2))) {}

std::uint64_t Zipf::pick(Random& random) const noexcept {
  for (;;) {
    const double u = integral_size_ + random.fraction() * (integral_first_ - integral_size_);
    const double x = integral_inverse(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, size_);
    if (rank - x <= cut_ || u >= integral(rank + 0.5) - density(rank)) return static_cast<std::uint64_t>(rank) - 1;
  }
}

// Of density(), from 1 to x; the logarithm is the limit for an exponent of 1.
double Zipf::integral(double x) const noexcept {
  const double power = 1 - exponent_;
  if (std::abs(power) < 1e-9) return std::log(x);
  return std::expm1(power * std::log(x)) / power;
}

double Zipf::integral_inverse(double x) const noexcept {
  const double power = 1 - exponent_;
  if (std::abs(power) < 1e-9) return std::exp(x);
  return std::exp(std::log1p(std::max(x * power, -1.0)) / power);
}

double Zipf::density(double x) const noexcept { return std::exp(-exponent_ * std::log(x)); }

}  // namespace tracking::cli
