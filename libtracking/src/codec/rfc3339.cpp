#include "codec/rfc3339.h"

#include "codec/decimal.h"

#include <cstdint>

namespace tracking::codec {
namespace {

constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t seconds_per_day = 86'400;
constexpr std::int64_t us_per_day = seconds_per_day * us_per_second;

// 0000-03-01 is day -719468 of the Unix calendar; one 400-year era is 146097 days. Years begin in March here, so that
// the leap day is a year's last. The arithmetic is that of Neri and Schneider, "Euclidean affine functions and their
// application to calendar algorithms" (2022), moved one era so that no number is negative.
constexpr std::uint32_t days_per_era = 146'097;
constexpr std::int64_t days_offset = 719'468 + days_per_era;
constexpr std::uint32_t years_offset = 400;

constexpr std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) noexcept {
  const auto y = static_cast<std::uint32_t>(year + years_offset) - (month <= 2 ? 1 : 0);
  const std::uint32_t m = month <= 2 ? month + 12 : month;
  const std::uint32_t century = y / 100;
  const std::uint32_t year_days = 1461 * y / 4 - century + century / 4;
  const std::uint32_t month_days = (979 * m - 2919) / 32;
  return static_cast<std::int64_t>(year_days + month_days + day - 1) - days_offset;
}
static_assert(days_of(1970, 1, 1) == 0);
static_assert(days_of(2000, 3, 1) == 11'017);

constexpr std::int64_t time_min_us = days_of(0, 1, 1) * us_per_day;
constexpr std::int64_t time_max_us = days_of(10'000, 1, 1) * us_per_day - 1;

constexpr bool is_leap_year(unsigned year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr unsigned days_in_month(unsigned year, unsigned month) noexcept {
  constexpr unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

// Takes fixed pieces off the front of a text; what fails stays failed.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : at_(text.data()), end_(at_ + text.size()) {}

  unsigned digits(int count) noexcept {
    unsigned value = 0;
    for (int i = 0; i < count; ++i) {
      const unsigned digit = at_ < end_ ? static_cast<unsigned char>(*at_) - unsigned{'0'} : 10;
      if (digit > 9) return failed_ = true, 0;
      value = value * 10 + digit;
      ++at_;
    }
    return value;
  }
  bool take(char wanted) noexcept {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  void need(char wanted) noexcept { failed_ |= !take(wanted); }
  bool is_done() const noexcept { return !failed_ && at_ == end_; }

  // ".751257" in microseconds; digits beyond the sixth are read and dropped.
  unsigned fraction_us() noexcept {
    if (!take('.')) return 0;
    unsigned value = digits(1) * 100'000;
    for (unsigned unit = 10'000; at_ < end_ && *at_ >= '0' && *at_ <= '9'; ++at_, unit /= 10) {
      value += static_cast<unsigned>(*at_ - '0') * unit;
    }
    return value;
  }

  // "Z" or "+05:30", in seconds that the local time is ahead of UTC.
  std::int64_t offset_seconds() noexcept {
    if (take('Z') || take('z')) return 0;
    const bool is_behind = take('-');
    if (!is_behind) need('+');
    const unsigned hours = digits(2);
    need(':');
    const unsigned minutes = digits(2);
    failed_ |= hours > 23 || minutes > 59;
    const std::int64_t seconds = (hours * 60 + minutes) * 60;
    return is_behind ? -seconds : seconds;
  }

 private:
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

// The six digits behind the point.
void write_fraction(char* text, std::uint32_t us) noexcept {
  write_two_digits(text + 20, us / 10'000);
  write_two_digits(text + 22, us / 100 % 100);
  write_two_digits(text + 24, us % 100);
}

// Leap seconds are only ever the last second of a month in UTC (ITU-R TF.460). `after` is the second that follows.
bool may_be_leap_second(std::int64_t after) noexcept {
  if (after % seconds_per_day != 0) return false;
  char text[rfc3339_size];
  write_rfc3339(text, Timestamp(std::chrono::seconds(after)));
  return text[8] == '0' && text[9] == '1';
}

}  // namespace

char* write_rfc3339(char* out, Timestamp time) noexcept {
  std::int64_t time_us = time.time_since_epoch().count();
  time_us = time_us < time_min_us ? time_min_us : time_us > time_max_us ? time_max_us : time_us;
  const auto since_offset = static_cast<std::uint64_t>(time_us + days_offset * us_per_day);
  const std::uint64_t second_number = since_offset / us_per_second;
  const auto us = static_cast<std::uint32_t>(since_offset % us_per_second);
  // 86400 is 128 * 675, and what is left of the seconds after a shift by 7 has 32 bits.
  const std::uint32_t day_number = static_cast<std::uint32_t>(second_number >> 7) / 675;
  const auto second = static_cast<std::uint32_t>(second_number - std::uint64_t{day_number} * seconds_per_day);

  const std::uint32_t n1 = 4 * day_number + 3;
  const std::uint32_t century = n1 / days_per_era;
  const std::uint32_t n2 = n1 % days_per_era | 3;
  const std::uint64_t p2 = std::uint64_t{2'939'745} * n2;
  const std::uint32_t year_day = static_cast<std::uint32_t>(p2) / 2'939'745 / 4;
  const std::uint32_t n3 = 2'141 * year_day + 197'913;
  const bool is_next_year = year_day >= 306;
  const std::uint32_t year =
      100 * century + static_cast<std::uint32_t>(p2 >> 32) + (is_next_year ? 1 : 0) - years_offset;
  const std::uint32_t month = (n3 >> 16) - (is_next_year ? 12 : 0);
  const std::uint32_t day = (n3 & 0xffff) / 2'141 + 1;

  write_two_digits(out, year / 100);
  write_two_digits(out + 2, year % 100);
  out[4] = '-';
  write_two_digits(out + 5, month);
  out[7] = '-';
  write_two_digits(out + 8, day);
  out[10] = 'T';
  write_two_digits(out + 11, second / 3600);
  out[13] = ':';
  write_two_digits(out + 14, second / 60 % 60);
  out[16] = ':';
  write_two_digits(out + 17, second % 60);
  out[19] = '.';
  write_fraction(out, us);
  out[26] = 'Z';
  return out + rfc3339_size;
}

void rewrite_rfc3339_fraction(char* text, Timestamp time) noexcept {
  constexpr std::uint64_t since_year_0_us = -time_min_us;
  write_fraction(
      text, static_cast<std::uint32_t>((static_cast<std::uint64_t>(time.time_since_epoch().count()) + since_year_0_us) %
                                       us_per_second));
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) noexcept {
  Reader reader(text);
  const unsigned year = reader.digits(4);
  reader.need('-');
  const unsigned month = reader.digits(2);
  reader.need('-');
  const unsigned day = reader.digits(2);
  if (!reader.take('T')) reader.need('t');
  const unsigned hour = reader.digits(2);
  reader.need(':');
  const unsigned minute = reader.digits(2);
  reader.need(':');
  const unsigned second = reader.digits(2);
  const unsigned us = reader.fraction_us();
  const std::int64_t offset = reader.offset_seconds();
  if (!reader.is_done() || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;

  const std::int64_t seconds =
      days_of(year, month, day) * seconds_per_day + hour * 3600 + minute * 60 + second - offset;
  if (second == 60 && !may_be_leap_second(seconds)) return std::nullopt;
  const std::int64_t time_us = seconds * us_per_second + us;
  if (time_us < time_min_us || time_us > time_max_us) return std::nullopt;
  return Timestamp(std::chrono::microseconds(time_us));
}

}  // namespace tracking::codec
