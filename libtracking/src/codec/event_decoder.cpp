#include "codec/event_decoder.h"

#include "codec/json_name.h"
#include "codec/json_scanner.h"
#include "codec/rfc3339.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace tracking::codec {
namespace {

constexpr const char* not_an_account_id = "must be an integer from 1 to 9223372036854775807";
constexpr const char* not_an_id = "must be a string of 1 to 64 characters of [A-Za-z0-9._:-]";
constexpr const char* not_a_time = "must be an RFC 3339 date-time, such as 2026-11-23T20:24:06Z";
constexpr const char* repeated = "must not be repeated";
constexpr const char* missing = "is missing";

enum class Member : std::uint8_t { account_id, data, id, occurred_at, other };
constexpr std::array<std::string_view, 4> member_names = {"account_id", "data", "id", "occurred_at"};

Member member_of(std::string_view name) noexcept {
  switch (name.size()) {
    case 2:
      return name == "id" ? Member::id : Member::other;
    case 4:
      return name == "data" ? Member::data : Member::other;
    case 10:
      return name == "account_id" ? Member::account_id : Member::other;
    case 11:
      return name == "occurred_at" ? Member::occurred_at : Member::other;
    default:
      return Member::other;
  }
}

// The same for a name written with escapes.
Member member_of_escaped(std::string_view escaped) noexcept {
  for (std::size_t i = 0; i < member_names.size(); ++i) {
    if (mean_the_same(escaped, member_names[i])) return static_cast<Member>(i);
  }
  return Member::other;
}

bool has_escapes(std::string_view text) noexcept { return text.find('\\') != text.npos; }

// Names of members that we do not know, so that a repeated one is noticed. An object with more of them than fit is no
// event: this bounds the work that an object can cause.
class OtherNames {
 public:
  static constexpr std::size_t names_max = 64;

  bool is_full() const noexcept { return count_ == names_max; }
  /// False if a name that means the same was added before. Precondition: not full.
  bool add(std::string_view escaped) noexcept {
    const std::uint64_t hash = hash_of(escaped);
    for (std::size_t i = 0; i < count_; ++i) {
      if (names_[i].hash == hash && mean_the_same({names_[i].text, names_[i].size}, escaped)) return false;
    }
    names_[count_++] = {hash, escaped.data(), escaped.size()};
    return true;
  }

 private:
  static std::uint64_t hash_of(std::string_view escaped) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    UnescapedBytes bytes(escaped);
    for (int byte = bytes.next(); byte != UnescapedBytes::end; byte = bytes.next()) {
      hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
    }
    return hash;
  }

  struct Name {
    std::uint64_t hash;
    const char* text;
    std::size_t size;
  };

  std::size_t count_ = 0;
  std::array<Name, names_max> names_;  // not initialised beyond count_: most events have no such member
};

// Reads event objects out of one text. Syntax errors end it; an object that is JSON but no event is read to its end,
// with the first thing wrong with it as its fault.
class Decoder {
 public:
  Decoder(char* text, std::size_t size, std::size_t data_bytes_max) noexcept
      : text_(text), scanner_(text, size), data_bytes_max_(data_bytes_max) {}

  JsonScanner& scanner() noexcept { return scanner_; }

  /// Reads one value that should be an event. nullptr: not JSON, see syntax_fault().
  const char* read(const char* at, Event& event, DecodeFault& fault) noexcept;

  DecodeFault syntax_fault() const noexcept {
    return {Code::malformed_json, scanner_.fault().offset, member_, scanner_.fault().what};
  }

 private:
  const char* read_member(const char* at, std::string_view name, Event& event) noexcept;
  const char* read_account_id(const char* at, Event& event) noexcept;
  const char* read_data(const char* at, Event& event) noexcept;
  const char* read_id(const char* at, Event& event) noexcept;
  const char* read_occurred_at(const char* at, Event& event) noexcept;
  const char* read_string(const char* at, const char* what, std::string_view& text) noexcept;
  const char* skip_value(const char* at) noexcept {
    const bool is_string = at != scanner_.end() && *at == '"';
    return is_string ? scanner_.skip_string(at) : scanner_.skip_value(at, nesting_max - 1);
  }

  char* writable(const char* at) noexcept { return text_ + scanner_.offset_of(at); }
  void refuse(std::string_view member, const char* at, const char* what, Code code = Code::invalid_event) noexcept {
    if (fault_->code == Code::ok) *fault_ = {code, scanner_.offset_of(at), member, what};
  }

  char* text_;
  JsonScanner scanner_;
  std::size_t data_bytes_max_;
  DecodeFault* fault_ = nullptr;
  std::string_view member_;  // whose value is being read, if we know it
  unsigned seen_ = 0;        // a bit for each Member
  OtherNames* others_ = nullptr;
};

const char* Decoder::read(const char* at, Event& event, DecodeFault& fault) noexcept {
  event = Event{};
  fault = DecodeFault{};
  fault_ = &fault;
  member_ = {};
  if (at == scanner_.end() || *at != '{') {
    refuse({}, at, "an event must be an object");
    return scanner_.skip_value(at, nesting_max);
  }
  OtherNames others;
  others_ = &others;
  seen_ = 0;
  at = scanner_.skip_space(at + 1);
  if (at == scanner_.end() || *at != '}') {
    for (;;) {
      std::string_view name;
      if (!(at = scanner_.skip_name(at, name)) || !(at = read_member(at, name, event))) return nullptr;
      at = scanner_.skip_space(at);
      if (at == scanner_.end()) return scanner_.fail(at, JsonScanner::unexpected_end);
      if (*at == '}') break;
      if (*at != ',') return scanner_.fail(at, "expected ',' or '}'");
      at = scanner_.skip_space(at + 1);
    }
  }
  for (const Member needed : {Member::account_id, Member::data}) {
    const auto index = static_cast<unsigned>(needed);
    if (!(seen_ >> index & 1)) refuse(member_names[index], at, missing);
  }
  return at + 1;
}

const char* Decoder::read_member(const char* at, std::string_view name, Event& event) noexcept {
  Member member = member_of(name);
  if (member == Member::other && has_escapes(name)) member = member_of_escaped(name);
  if (member == Member::other) {
    if (others_->is_full()) {
      refuse({}, name.data(), "an event must not have more than 64 other members");
    } else if (!others_->add(name)) {
      refuse(name, name.data(), repeated);
    }
    return skip_value(at);
  }
  const auto index = static_cast<unsigned>(member);
  member_ = member_names[index];
  if (seen_ >> index & 1) refuse(member_, name.data(), repeated);
  seen_ |= 1u << index;
  switch (member) {
    case Member::account_id:
      at = read_account_id(at, event);
      break;
    case Member::data:
      at = read_data(at, event);
      break;
    case Member::id:
      at = read_id(at, event);
      break;
    default:
      at = read_occurred_at(at, event);
      break;
  }
  if (at) member_ = {};
  return at;
}

const char* Decoder::read_account_id(const char* at, Event& event) noexcept {
  const char* const begin = at;
  const auto digit = [&] { return at == scanner_.end() ? 10u : static_cast<unsigned char>(*at) - unsigned{'0'}; };
  // 18 digits cannot overflow; the nineteenth may, which the range check below notices, as 10^19 - 1 < 2^64.
  std::uint64_t value = 0;
  for (; at - begin < 19 && digit() <= 9; ++at) value = value * 10 + digit();
  const bool is_integer =
      at != begin && *begin != '0' && digit() > 9 && (at == scanner_.end() || (*at != '.' && *at != 'e' && *at != 'E'));
  if (is_integer && value <= std::uint64_t{std::numeric_limits<AccountId>::max()}) {
    event.account_id = static_cast<AccountId>(value);
    return at;
  }
  refuse(member_, begin, not_an_account_id);
  return skip_value(begin);
}

const char* Decoder::read_data(const char* at, Event& event) noexcept {
  const char* const begin = at;
  scanner_.clear_line_breaks();
  if (!(at = skip_value(at))) return nullptr;
  const auto size = static_cast<std::size_t>(at - begin);
  if (size > data_bytes_max_) {
    refuse(member_, begin, "is longer than this service takes", Code::too_large);
    return at;
  }
  if (scanner_.has_line_breaks()) {
    // In valid JSON raw line breaks only stand between tokens.
    std::replace_if(
        writable(begin), writable(at), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  }
  event.data = Data::trusted({begin, size});
  return at;
}

// A string's meaning; nothing in `text` if it is no string.
const char* Decoder::read_string(const char* at, const char* what, std::string_view& text) noexcept {
  const char* const begin = at;
  if (at == scanner_.end() || *at != '"') {
    refuse(member_, begin, what);
    return skip_value(begin);
  }
  if (!(at = scanner_.skip_string(at))) return nullptr;
  text = {begin + 1, static_cast<std::size_t>(at - begin - 2)};
  if (has_escapes(text)) text = text.substr(0, unescape_in_place(writable(text.data()), text.size()));
  return at;
}

const char* Decoder::read_id(const char* at, Event& event) noexcept {
  std::string_view text;
  const char* const end = read_string(at, not_an_id, text);
  if (!end) return nullptr;
  if (!is_event_id(text)) refuse(member_, at, not_an_id);
  event.id = text;
  return end;
}

const char* Decoder::read_occurred_at(const char* at, Event& event) noexcept {
  std::string_view text;
  const char* const end = read_string(at, not_a_time, text);
  if (!end) return nullptr;
  event.occurred_at = parse_rfc3339(text);
  if (!event.occurred_at) refuse(member_, at, not_a_time);
  return end;
}

constexpr auto id_characters = [] {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}();

}  // namespace

std::string DecodeFault::detail() const {
  constexpr std::size_t name_bytes_max = 64;
  std::string text;
  if (!member.empty()) {
    std::size_t size = std::min(member.size(), name_bytes_max);
    while (size < member.size() && size > 0 && (static_cast<unsigned char>(member[size]) & 0xc0) == 0x80) --size;
    text.append(member.substr(0, size)).append(size < member.size() ? "...: " : ": ");
  }
  return text.append(what).append(" (byte ").append(std::to_string(offset)).append(")");
}

bool decode_event(char* text, std::size_t size, std::size_t data_bytes_max, Event& event, DecodeFault& fault) noexcept {
  Decoder decoder(text, size, data_bytes_max);
  auto& scanner = decoder.scanner();
  fault = DecodeFault{};
  const char* at = scanner.skip_start();
  if (at) at = decoder.read(at, event, fault);
  if (at) {
    at = scanner.skip_space(at);
    if (at != scanner.end()) at = scanner.fail(at, "expected nothing after the event");
  }
  if (!at) fault = decoder.syntax_fault();
  return fault.code == Code::ok;
}

bool decode_event_array(char* text, std::size_t size, std::size_t data_bytes_max, std::size_t events_max,
                        std::vector<ArrayElement>& elements, DecodeFault& fault) noexcept try {
  Decoder decoder(text, size, data_bytes_max);
  auto& scanner = decoder.scanner();
  elements.clear();
  fault = DecodeFault{};
  const auto not_json = [&] {
    fault = decoder.syntax_fault();
    elements.clear();
    return false;
  };
  const char* at = scanner.skip_start();
  if (!at) return not_json();
  if (at == scanner.end() || *at != '[') {
    fault = {Code::invalid_event, scanner.offset_of(at), {}, "a batch must be an array"};
    if (!scanner.skip_value(at, nesting_max)) return not_json();
    return false;
  }
  at = scanner.skip_space(at + 1);
  if (at != scanner.end() && *at == ']') {
    ++at;
  } else {
    for (;;) {
      if (elements.size() == events_max) {
        fault = {
            Code::too_large, scanner.offset_of(at), {}, "the array has more events than this service takes at once"};
        elements.clear();
        return false;
      }
      auto& element = elements.emplace_back();
      if (!(at = decoder.read(at, element.event, element.fault))) return not_json();
      at = scanner.skip_space(at);
      if (at == scanner.end()) return scanner.fail(at, JsonScanner::unexpected_end), not_json();
      if (*at++ == ']') break;
      if (at[-1] != ',') return scanner.fail(at - 1, "expected ',' or ']'"), not_json();
      at = scanner.skip_space(at);
    }
  }
  at = scanner.skip_space(at);
  if (at != scanner.end()) return scanner.fail(at, "expected nothing after the array"), not_json();
  return true;
} catch (const std::bad_alloc&) {
  elements.clear();
  fault = {Code::overloaded, 0, {}, "no memory for so many events"};
  return false;
}

bool is_event_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > EventId::bytes_max) return false;
  bool is_allowed = true;
  for (const char c : text) is_allowed &= id_characters[static_cast<unsigned char>(c)];
  return is_allowed;
}

}  // namespace tracking::codec
