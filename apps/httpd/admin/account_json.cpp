#include "account_json.h"

#include <common/text.h>
#include <common/values.h>

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <limits>
#include <set>

namespace tracking::httpd {
namespace {

constexpr int nesting_max = 32;

/// What is wrong with a name, or nullptr.
const char* wrong_with_name(std::string_view name) noexcept {
  std::size_t characters = 0;
  while (!name.empty()) {
    const auto character = apps::take_code_point(name);
    if (character < 0) return "must be valid Unicode";
    if (character < 0x20 || character == 0x7f) return "must not have control characters";
    ++characters;
  }
  const bool has_good_length = characters >= 1 && characters <= account_name_characters_max;
  return has_good_length ? nullptr : "must have 1 to 200 characters";
}

/// RapidJSON's events. Every function that returns false has set `what`.
class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  explicit Handler(AccountBody& body) : body_(body) {}

  bool Default() {
    return value([this] { return wrong_type(); });
  }  // null
  bool Bool(bool flag) {
    return value([this, flag] {
      if (member_ != Member::is_active) return wrong_type();
      body_.is_active = flag;
      return true;
    });
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return value([this, text, size] { return take_id({text, size}); });
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return value([this, text, size] { return take_name({text, size}); });
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (depth_ != 1) return true;
    const std::string key(text, size);
    if (!seen_.insert(key).second) return fail("a member", "is given twice");
    member_ = key == "id"          ? Member::id
              : key == "name"      ? Member::name
              : key == "is_active" ? Member::is_active
                                   : Member::other;
    return true;
  }
  bool StartObject() { return start(true); }
  bool StartArray() { return start(false); }
  bool EndObject(rapidjson::SizeType) { return --depth_, true; }
  bool EndArray(rapidjson::SizeType) { return --depth_, true; }

  /// "id: must be ...", or empty if the text was no JSON.
  const std::string& what() const noexcept { return what_; }

 private:
  enum class Member { other, id, name, is_active };

  bool fail(const char* member, const char* what) {
    what_ = std::string(member) + (member[0] == 'a' ? " " : ": ") + what;
    return false;
  }

  bool wrong_type() {
    switch (member_) {
      case Member::id:
        return fail("id", "must be a whole number from 1 to 9223372036854775807");
      case Member::name:
        return fail("name", "must be a text");
      case Member::is_active:
        return fail("is_active", "must be true or false");
      case Member::other:
        return true;
    }
    return true;
  }

  template <class Take>
  bool value(Take take) {
    if (depth_ == 0) return fail("a JSON object", "is expected");
    return depth_ > 1 || member_ == Member::other ? true : take();
  }

  bool start(bool is_object) {
    if (depth_ == 0 && !is_object) return fail("a JSON object", "is expected");
    if (depth_ == 1 && member_ != Member::other) return wrong_type();
    if (depth_ == nesting_max) return fail("a value", "is nested more than 32 levels deep");
    ++depth_;
    return true;
  }

  bool take_id(std::string_view text) {
    if (member_ != Member::id) return wrong_type();
    const auto id = apps::parse_integer(text);
    if (!id || *id < 1 || *id > static_cast<std::uint64_t>(std::numeric_limits<AccountId>::max())) return wrong_type();
    body_.id = static_cast<AccountId>(*id);
    return true;
  }

  bool take_name(std::string_view text) {
    if (member_ != Member::name) return wrong_type();
    if (const auto* wrong = wrong_with_name(text)) return fail("name", wrong);
    body_.name = std::string(text);
    return true;
  }

  AccountBody& body_;
  Member member_ = Member::other;
  int depth_ = 0;
  std::set<std::string> seen_;
  std::string what_;
};

Status at_byte(Code code, const std::string& what, std::size_t offset) {
  return {code, what + " (byte " + std::to_string(offset) + ")"};
}

}  // namespace

Result<AccountBody> parse_account(std::string_view text) {
  using namespace rapidjson;  // NOLINT(google-build-using-namespace): one function of its names
  AccountBody body;
  Handler handler(body);
  MemoryStream stream(text.data(), text.size());
  Reader reader;
  constexpr unsigned flags = kParseValidateEncodingFlag | kParseIterativeFlag | kParseNumbersAsStringsFlag;
  const auto result = reader.Parse<flags>(stream, handler);
  if (!handler.what().empty()) return at_byte(Code::invalid_event, handler.what(), stream.Tell());
  if (!result) return at_byte(Code::malformed_json, GetParseError_En(result.Code()), result.Offset());
  // RapidJSON takes a NUL for the end.
  if (stream.Tell() != text.size()) return at_byte(Code::malformed_json, "something follows the object", stream.Tell());
  return body;
}

void append_account(std::string& out, const Account& account) {
  out += "{\"id\":" + std::to_string(account.id) + ",\"name\":";
  apps::append_json_string(out, account.name);
  out += account.is_active ? ",\"is_active\":true}" : ",\"is_active\":false}";
}

std::string accounts_page(std::span<const Account> accounts, std::optional<AccountId> next) {
  std::string out = "{\"accounts\":[";
  for (std::size_t index = 0; index < accounts.size(); ++index) {
    if (index > 0) out += ',';
    append_account(out, accounts[index]);
  }
  out += "],\"next\":" + (next ? std::to_string(*next) : "null") + "}";
  return out;
}

}  // namespace tracking::httpd
