// Which account the next event is of.
#pragma once

#include <tracking/event.h>
#include <tracking/status.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tracking::cli {

/// A small generator of good quality (splitmix64): a run is the same each time.
class Random {
 public:
  std::uint64_t next() noexcept;
  /// 0 <= x < 1.
  double fraction() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_ = 1;
};

/// Accounts as ranges: a million of them take no memory.
class AccountRanges {
 public:
  /// "1", "1,3", "1-1000000,5000000".
  static Result<AccountRanges> parse(const std::vector<std::string>& texts);
  std::uint64_t size() const noexcept { return size_; }
  /// Precondition: index < size().
  AccountId at(std::uint64_t index) const noexcept;

 private:
  struct Range {
    AccountId first;
    std::uint64_t begin;  // index of `first`
  };
  std::vector<Range> ranges_;
  std::uint64_t size_ = 0;
};

/// Ranks 0 .. size-1 with probability proportional to 1/(rank+1)^exponent, in constant time and memory
/// (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", 1996).
class Zipf {
 public:
  Zipf(std::uint64_t size, double exponent);
  std::uint64_t pick(Random& random) const noexcept;

 private:
  double integral(double x) const noexcept;
  double integral_inverse(double x) const noexcept;
  double density(double x) const noexcept;

  double size_;
  double exponent_;
  double integral_first_;
  double integral_size_;
  double cut_;
};

}  // namespace tracking::cli
