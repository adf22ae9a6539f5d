#include "values.h"

#include <array>
#include <limits>

namespace tracking::apps {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 10> size_units{{{"TiB", 1ull << 40},
                                           {"GiB", 1ull << 30},
                                           {"MiB", 1ull << 20},
                                           {"KiB", 1ull << 10},
                                           {"TB", 1'000'000'000'000},
                                           {"GB", 1'000'000'000},
                                           {"MB", 1'000'000},
                                           {"kB", 1'000},
                                           {"B", 1},
                                           {"", 1}}};

/// In milliseconds, from large to small, as format_duration() needs them.
constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

/// Splits digits off the front of `text`.
std::optional<std::uint64_t> take_digits(std::string_view& text) noexcept {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const auto value = parse_integer(text.substr(0, count));
  text.remove_prefix(count);
  return value;
}

std::optional<std::uint64_t> multiply(std::uint64_t value, std::uint64_t factor) noexcept {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(value, factor, &product)) return std::nullopt;
  return product;
}

}  // namespace

std::optional<std::uint64_t> parse_integer(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char character : text) {
    if (!is_digit(character)) return std::nullopt;
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<std::uint64_t>(character - '0'), &value)) return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto number = take_digits(text);
  if (!number) return std::nullopt;
  for (const auto& unit : size_units) {
    if (text == unit.name) return multiply(*number, unit.factor);
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return std::nullopt;
  std::uint64_t total_ms = 0;
  std::uint64_t smallest = std::numeric_limits<std::uint64_t>::max();  // units must fall: "1h30m", not "30m1h"
  while (!text.empty()) {
    const auto number = take_digits(text);
    if (!number) return std::nullopt;
    std::size_t letters = 0;
    while (letters < text.size() && !is_digit(text[letters])) ++letters;
    const Unit* found = nullptr;
    for (const auto& unit : duration_units) {
      if (text.substr(0, letters) == unit.name) found = &unit;
    }
    if (!found || found->factor >= smallest) return std::nullopt;
    smallest = found->factor;
    const auto part_ms = multiply(*number, found->factor);
    if (!part_ms || __builtin_add_overflow(total_ms, *part_ms, &total_ms)) return std::nullopt;
    text.remove_prefix(letters);
  }
  // std::chrono counts with a sign.
  if (total_ms > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(total_ms));
}

std::optional<bool> parse_flag(std::string_view text) noexcept {
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::string format_size(std::uint64_t bytes) {
  if (bytes != 0) {
    for (const auto& unit : size_units) {
      const bool is_binary = unit.name.size() == 3;
      if (is_binary && bytes % unit.factor == 0) return std::to_string(bytes / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

std::string format_duration(std::chrono::milliseconds duration) {
  auto left_ms = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
  if (left_ms == 0) return "0";
  std::string text;
  for (const auto& unit : duration_units) {
    if (const auto count = left_ms / unit.factor) text += std::to_string(count) + std::string(unit.name);
    left_ms %= unit.factor;
  }
  return text;
}

}  // namespace tracking::apps
