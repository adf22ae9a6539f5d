#include "unit_codec/event_oracle.h"

#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <vector>

#include "codec/event_decoder.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

namespace tracking::testing {
namespace {

// Numbers stay text: RapidJSON 1.1 reads out of bounds when it converts 0.0000000000001e-2147483639 (CVE-2024-38517).
constexpr unsigned flags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

struct Member {
  enum class Kind : std::uint8_t { number, string, other };
  std::string name;
  Kind kind = Kind::other;
  std::string text;
};

// Notes the members of the outermost object, and stops at the first level too many.
class Notes : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Notes> {
 public:
  explicit Notes(int levels) : levels_(levels) {}

  bool Default() { return note(Member::Kind::other, {}); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return note(Member::Kind::number, {text, size}); }
  bool String(const char* text, rapidjson::SizeType size, bool) { return note(Member::Kind::string, {text, size}); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (depth_ == 1) name_.assign(text, size);
    return true;
  }
  bool StartObject() {
    if (depth_ == 0) is_object_ = true;
    note(Member::Kind::other, {});
    return ++depth_ <= levels_;
  }
  bool StartArray() {
    note(Member::Kind::other, {});
    return ++depth_ <= levels_;
  }
  bool EndObject(rapidjson::SizeType) { return --depth_, true; }
  bool EndArray(rapidjson::SizeType) { return --depth_, true; }

  bool is_object() const { return is_object_; }
  const std::vector<Member>& members() const { return members_; }
  const Member* find(std::string_view name) const {
    const auto is_it = [name](const Member& member) { return member.name == name; };
    const auto found = std::find_if(members_.begin(), members_.end(), is_it);
    return found == members_.end() ? nullptr : &*found;
  }

 private:
  bool note(Member::Kind kind, std::string_view text) {
    if (depth_ == 1 && is_object_) members_.push_back({name_, kind, std::string(text)});
    return true;
  }

  int levels_;
  int depth_ = 0;
  bool is_object_ = false;
  std::string name_;
  std::vector<Member> members_;
};

Opinion read(std::string_view text, Notes& notes) {
  if (text.find('\0') != text.npos) return Opinion::none;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  switch (reader.Parse<flags>(stream, notes).Code()) {
    case rapidjson::kParseErrorNone:
      return Opinion::valid;
    case rapidjson::kParseErrorNumberTooBig:
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return Opinion::none;
    default:
      return Opinion::malformed_json;
  }
}

bool has_repeated_names(const std::vector<Member>& members) {
  std::vector<std::string> names;
  for (const auto& member : members) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

bool is_account_id(const Member& member) {
  constexpr std::string_view max = "9223372036854775807";
  if (member.kind != Member::Kind::number || member.text.find_first_not_of("0123456789") != std::string::npos) {
    return false;
  }
  const auto& digits = member.text;
  return digits != "0" && (digits.size() < max.size() || (digits.size() == max.size() && digits <= max));
}

}  // namespace

Opinion json_opinion(std::string_view text, int levels) {
  Notes notes(levels);
  return read(text, notes);
}

EventOpinion event_opinion(std::string_view text) {
  EventOpinion result;
  Notes notes(codec::nesting_max);
  result.opinion = read(text, notes);
  if (result.opinion != Opinion::valid) return result;
  result.opinion = Opinion::invalid_event;

  constexpr std::size_t others_max = 64;
  if (!notes.is_object() || has_repeated_names(notes.members())) return result;
  std::size_t others = notes.members().size();
  for (const char* name : {"account_id", "data", "id", "occurred_at"}) others -= notes.find(name) != nullptr;
  if (others > others_max || !notes.find("data")) return result;
  const auto* const account_id = notes.find("account_id");
  if (!account_id || !is_account_id(*account_id)) return result;
  result.account_id = std::stoll(account_id->text);
  if (const auto* const id = notes.find("id")) {
    if (id->kind != Member::Kind::string || !codec::is_event_id(id->text)) return result;
    result.id = id->text;
  }
  if (const auto* const time = notes.find("occurred_at")) {
    // Our own reader of times: here it is the object that is looked at, not the time.
    if (time->kind != Member::Kind::string || !codec::parse_rfc3339(time->text)) return result;
    result.has_occurred_at = true;
  }
  result.opinion = Opinion::valid;
  return result;
}

}  // namespace tracking::testing
