// Reads event lines: our own, and what others wrote that says the same.
#include <tracking/subscription.h>

#include "codec/event_decoder.h"
#include "codec/json_name.h"
#include "codec/json_scanner.h"
#include "codec/rfc3339.h"

#include <limits>

namespace tracking {
namespace {

using codec::JsonScanner;

// "42" as a number from 1 to max. Leading zeros, signs, fractions and exponents are none.
std::optional<std::uint64_t> parse_positive(std::string_view text, std::uint64_t max) noexcept {
  if (text.empty() || text.front() == '0') return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  return value <= max ? std::optional(value) : std::nullopt;
}

// The text between a string's quotes, as it stands. What we need of a line has no escapes.
std::optional<std::string_view> between_quotes(std::string_view value) noexcept {
  if (value.size() < 2 || value.front() != '"') return std::nullopt;
  return value.substr(1, value.size() - 2);
}

// Which members were read; each may come once.
struct Seen {
  bool id = false, account_id = false, timestamp = false, occurred_at = false, producer = false, sequence = false;
};

bool read_id(std::string_view value, bool& seen, std::string_view& id) noexcept {
  const auto text = between_quotes(value);
  if (seen || !text || !codec::is_event_id(*text)) return false;
  id = *text;
  return seen = true;
}

bool read_time(std::string_view value, bool& seen, std::optional<Timestamp>& time) noexcept {
  const auto text = between_quotes(value);
  time = seen || !text ? std::nullopt : codec::parse_rfc3339(*text);
  return seen = time.has_value();
}

bool read_number(std::string_view value, std::uint64_t max, bool& seen, std::uint64_t& number) noexcept {
  const auto parsed = seen ? std::nullopt : parse_positive(value, max);
  number = parsed.value_or(0);
  return seen = parsed.has_value();
}

// Whether a name written with escapes means one of ours. Then a reader that unescapes sees another event than we do.
bool is_ours_in_disguise(std::string_view name) noexcept {
  if (name.find('\\') == name.npos) return false;
  constexpr std::string_view ours[] = {"id", "account_id", "timestamp", "occurred_at", "producer", "sequence", "data"};
  for (const auto our_name : ours) {
    if (codec::mean_the_same(name, our_name)) return true;
  }
  return false;
}

// Reads a member that is not data. False: it is not what an event line has under that name.
bool read_member(std::string_view name, std::string_view value, Seen& seen, EventFields& fields) noexcept {
  if (name == "id") return read_id(value, seen.id, fields.id);
  if (name == "producer") return read_id(value, seen.producer, fields.producer);
  if (name == "occurred_at") return read_time(value, seen.occurred_at, fields.occurred_at);
  if (name == "timestamp") {
    std::optional<Timestamp> timestamp;
    if (!read_time(value, seen.timestamp, timestamp)) return false;
    fields.timestamp = *timestamp;
    return true;
  }
  if (name == "account_id") {
    std::uint64_t account_id = 0;
    if (!read_number(value, std::numeric_limits<AccountId>::max(), seen.account_id, account_id)) return false;
    fields.account_id = static_cast<AccountId>(account_id);
    return true;
  }
  if (name == "sequence") {
    return read_number(value, std::numeric_limits<std::uint64_t>::max(), seen.sequence, fields.sequence);
  }
  return !is_ours_in_disguise(name);
}

}  // namespace

std::optional<EventFields> parse_event_line(std::string_view line) noexcept {
  if (line.empty() || line.front() != '{') return std::nullopt;
  JsonScanner scanner(line.data(), line.size());
  EventFields fields;
  Seen seen;
  const char* at = scanner.skip_space(line.data() + 1);
  for (;;) {
    std::string_view name;
    if (!(at = scanner.skip_name(at, name))) return std::nullopt;
    const char* const begin = at;
    if (!(at = scanner.skip_value(at, codec::nesting_max - 1))) return std::nullopt;
    const std::string_view value(begin, static_cast<std::size_t>(at - begin));
    at = scanner.skip_space(at);
    if (at == scanner.end()) return std::nullopt;
    if (name == "data") {
      fields.data = value;
      break;
    }
    if (*at != ',' || !read_member(name, value, seen, fields)) return std::nullopt;
    at = scanner.skip_space(at + 1);
  }
  const bool is_whole = *at == '}' && at + 1 == scanner.end() && !scanner.has_line_breaks();
  if (!is_whole || !seen.id || !seen.account_id || !seen.timestamp) return std::nullopt;
  if (!seen.producer || !seen.sequence) {
    // One without the other counts nothing.
    fields.producer = {};
    fields.sequence = 0;
  }
  return fields;
}

}  // namespace tracking
