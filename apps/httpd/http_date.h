// The time as HTTP writes it.
#pragma once

#include <cstdio>
#include <ctime>
#include <span>
#include <string_view>

namespace tracking::httpd {

/// "Sun, 06 Nov 1994 08:49:37 GMT", in `text`.
inline std::string_view http_date(std::time_t seconds, std::span<char, 64> text) noexcept {
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  // Not strftime: names of days and months must not follow the locale (RFC 9110, section 5.6.7).
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int size =
      std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday,
                    months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace tracking::httpd
