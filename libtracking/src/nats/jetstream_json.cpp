#include "nats/jetstream_json.h"

#include <array>
#include <charconv>

#include "codec/json.h"

namespace tracking::jetstream {
namespace {

// Goes over valid JSON: nothing is checked again.
class Walker {
 public:
  explicit Walker(std::string_view text) noexcept : text_(text) {}

  /// Past the opening bracket, a comma or a colon, and white space. False at the closing bracket.
  bool next() noexcept {
    while (at_ < text_.size() && std::string_view(" \t\r\n,:{[").find(text_[at_]) != std::string_view::npos) {
      if (is_open_ && (text_[at_] == '{' || text_[at_] == '[')) break;  // a value that begins here
      is_open_ = is_open_ || text_[at_] == '{' || text_[at_] == '[';
      ++at_;
    }
    return at_ < text_.size() && text_[at_] != '}' && text_[at_] != ']';
  }

  /// The value that begins here.
  std::string_view value() noexcept {
    const auto begin = at_;
    int depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (depth > 0) {
        ++at_;
      } else {
        at_ = std::min(text_.find_first_of(" \t\r\n,}]", at_), text_.size());
      }
    } while (depth > 0 && at_ < text_.size());
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_string() noexcept {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_open_ = false;
};

std::string_view unquoted(std::string_view value) noexcept {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2) : std::string_view();
}

// What is behind a backslash; anything beyond ASCII stays as it is, escaped: names and subjects of ours have none.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result.push_back(text[i]);
      continue;
    }
    unsigned code = 0x80;
    if (text[i + 1] == 'u' && i + 6 <= text.size()) std::from_chars(&text[i + 2], &text[i + 2] + 4, code, 16);
    if (code < 0x80) {
      result.push_back(static_cast<char>(code));  // the server escapes < > &
      i += 5;
    } else if (text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == '/') {
      result.push_back(text[++i]);
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

template <class T>
T parse_number(std::string_view text) noexcept {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

constexpr auto base64_values = [] {
  std::array<int, 256> values{};
  values.fill(-1);
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<int>(i);
  return values;
}();

}  // namespace

std::optional<JsonObject> JsonObject::parse(std::string_view text) noexcept {
  codec::JsonTraits traits;
  codec::JsonFault fault;
  if (text.empty() || text.front() != '{' || !codec::validate_json(text, codec::nesting_max, traits, fault))
    return std::nullopt;
  return JsonObject(text);
}

std::string_view JsonObject::find(std::string_view name) const noexcept {
  Walker walker(text_);
  while (walker.next()) {
    const auto found = unquoted(walker.value());
    if (!walker.next()) return {};
    const auto value = walker.value();
    if (found == name) return value;
  }
  return {};
}

std::optional<JsonObject> JsonObject::object(std::string_view name) const noexcept {
  const auto value = find(name);
  return value.empty() || value.front() != '{' ? std::nullopt : std::optional(JsonObject(value));
}

std::int64_t JsonObject::number(std::string_view name) const noexcept { return parse_number<std::int64_t>(find(name)); }

std::uint64_t JsonObject::position(std::string_view name) const noexcept {
  return parse_number<std::uint64_t>(find(name));
}

std::string_view JsonObject::text(std::string_view name) const noexcept { return unquoted(find(name)); }

std::vector<std::string> JsonObject::texts(std::string_view name) const {
  std::vector<std::string> texts;
  const auto array = find(name);
  if (array.empty() || array.front() != '[') return texts;
  Walker walker(array);
  while (walker.next()) texts.push_back(unescaped(unquoted(walker.value())));
  return texts;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int value = base64_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes.push_back(static_cast<char>(bits >> bit_count));
  }
  return bytes;
}

}  // namespace tracking::jetstream
