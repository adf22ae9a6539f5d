// The little of JSON that the JetStream API speaks: flat reading of answers that were checked as a whole.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::jetstream {

/// A JSON object: a view of its text. Looking for a member goes over the text, which suits the few members of an
/// answer.
class JsonObject {
 public:
  /// Nothing unless `text` is one valid JSON object.
  static std::optional<JsonObject> parse(std::string_view text) noexcept;

  /// The text of the member's value; empty if there is none.
  std::string_view find(std::string_view name) const noexcept;

  std::optional<JsonObject> object(std::string_view name) const noexcept;
  /// 0 if there is none, or if it is no integer of that range.
  std::int64_t number(std::string_view name) const noexcept;
  std::uint64_t position(std::string_view name) const noexcept;
  bool is_true(std::string_view name) const noexcept { return find(name) == "true"; }
  /// A string without its quotes, as it stands; what we read from it never needs escapes.
  std::string_view text(std::string_view name) const noexcept;
  /// The strings of an array, unescaped.
  std::vector<std::string> texts(std::string_view name) const;

 private:
  explicit JsonObject(std::string_view text) noexcept : text_(text) {}
  std::string_view text_;
};

/// RFC 4648, section 4, with padding. Nothing if it is none.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace tracking::jetstream
