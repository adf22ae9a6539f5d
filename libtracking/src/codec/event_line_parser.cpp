// Reads event lines: our own, and what others wrote that says the same.
#include <tracking/subscription.h>

#include "codec/event_decoder.h"
#include "codec/json_name.h"
#include "codec/json_scanner.h"
#include "codec/rfc3339.h"

#include <algorithm>
#include <cstring>
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

// Our own lines have one layout, so that only the data must be read byte by byte. What fails stays failed.
class OwnLayout {
 public:
  explicit OwnLayout(std::string_view line) noexcept : left_(line) {}

  template <std::size_t size>
  bool take(const char (&literal)[size]) noexcept {
    const bool is_there = left_.size() >= size - 1 && std::memcmp(left_.data(), literal, size - 1) == 0;
    if (is_there) left_.remove_prefix(size - 1);
    return is_there;
  }
  template <std::size_t size>
  void need(const char (&literal)[size]) noexcept {
    failed_ |= !take(literal);
  }
  /// Up to the next quote or comma.
  std::string_view take_until(char end) noexcept {
    const auto piece = left_.substr(0, std::min(left_.find(end), left_.size()));
    left_.remove_prefix(piece.size());
    return piece;
  }
  std::string_view id() noexcept {
    const auto text = take_until('"');
    failed_ |= !codec::is_event_id(text);
    return text;
  }
  Timestamp time() noexcept {
    const auto text = left_.substr(0, codec::rfc3339_size);
    left_.remove_prefix(text.size());
    const auto time = codec::parse_rfc3339(text);
    failed_ |= !time;
    return time.value_or(Timestamp{});
  }
  std::uint64_t number(std::uint64_t max) noexcept {
    const auto value = parse_positive(take_until(','), max);
    failed_ |= !value;
    return value.value_or(0);
  }
  /// The value that fills the rest but for a brace.
  std::string_view data() noexcept {
    JsonScanner scanner(left_.data(), left_.size());
    const char* const end = failed_ ? nullptr : scanner.skip_value(left_.data(), codec::nesting_max - 1);
    failed_ |= !end || end + 1 != scanner.end() || *end != '}' || scanner.has_line_breaks();
    return left_.substr(0, failed_ ? 0 : left_.size() - 1);
  }
  bool has_failed() const noexcept { return failed_; }

 private:
  std::string_view left_;
  bool failed_ = false;
};

std::optional<EventFields> parse_own_line(std::string_view text) noexcept {
  OwnLayout line(text);
  EventFields fields;
  line.need("{\"id\":\"");
  fields.id = line.id();
  line.need("\",\"account_id\":");
  fields.account_id = static_cast<AccountId>(line.number(std::numeric_limits<AccountId>::max()));
  line.need(",\"timestamp\":\"");
  fields.timestamp = line.time();
  if (line.take("\",\"occurred_at\":\"")) fields.occurred_at = line.time();
  line.need("\",\"producer\":\"");
  fields.producer = line.id();
  line.need("\",\"sequence\":");
  fields.sequence = line.number(std::numeric_limits<std::uint64_t>::max());
  line.need(",\"data\":");
  fields.data = line.data();
  return line.has_failed() ? std::nullopt : std::optional(fields);
}

std::optional<EventFields> parse_line_of_others(std::string_view line) noexcept {
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

}  // namespace

std::optional<EventFields> parse_event_line(std::string_view line) noexcept {
  const auto fields = parse_own_line(line);
  return fields ? fields : parse_line_of_others(line);
}

}  // namespace tracking
