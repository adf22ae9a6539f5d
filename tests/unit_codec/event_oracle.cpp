#include "unit_codec/event_oracle.h"

#include <rapidjson/document.h>
#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>

#include <set>

#include "codec/event_decoder.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

namespace tracking::testing {
namespace {

constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// Builds nothing; stops at the first level too many.
class DepthHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthHandler> {
 public:
  explicit DepthHandler(int levels) : levels_(levels) {}
  bool Default() { return true; }
  bool StartObject() { return ++depth_ <= levels_; }
  bool StartArray() { return ++depth_ <= levels_; }
  bool EndObject(rapidjson::SizeType) { return --depth_, true; }
  bool EndArray(rapidjson::SizeType) { return --depth_, true; }

 private:
  int levels_;
  int depth_ = 0;
};

const rapidjson::Value* find(const rapidjson::Value& object, const char* name) {
  return object.HasMember(name) ? &object[name] : nullptr;
}

bool is_id(const rapidjson::Value& value) {
  return value.IsString() && codec::is_event_id({value.GetString(), value.GetStringLength()});
}

// Our own reader of times: here it is the object that is looked at, not the time.
bool is_time(const rapidjson::Value& value) {
  return value.IsString() && codec::parse_rfc3339({value.GetString(), value.GetStringLength()});
}

bool has_repeated_names(const rapidjson::Value& object) {
  std::set<std::string> names;
  for (const auto& member : object.GetObject()) {
    if (!names.emplace(member.name.GetString(), member.name.GetStringLength()).second) return true;
  }
  return false;
}

}  // namespace

Opinion json_opinion(std::string_view text, int levels) {
  if (text.find('\0') != text.npos) return Opinion::none;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  DepthHandler handler(levels);
  const auto result = reader.Parse<flags>(stream, handler);
  switch (result.Code()) {
    case rapidjson::kParseErrorNone:
      return Opinion::valid;
    case rapidjson::kParseErrorNumberTooBig:
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return Opinion::none;
    default:
      return Opinion::malformed_json;
  }
}

EventOpinion event_opinion(std::string_view text) {
  EventOpinion result;
  result.opinion = json_opinion(text, codec::nesting_max);
  if (result.opinion != Opinion::valid) return result;
  result.opinion = Opinion::invalid_event;

  rapidjson::Document document;
  document.Parse<flags>(text.data(), text.size());
  constexpr rapidjson::SizeType others_max = 64;
  if (!document.IsObject() || has_repeated_names(document)) return result;
  rapidjson::SizeType known = 0;
  for (const char* name : {"account_id", "data", "id", "occurred_at"}) known += document.HasMember(name);
  if (document.MemberCount() - known > others_max || !document.HasMember("data")) return result;

  const auto* const account_id = find(document, "account_id");
  if (!account_id || !account_id->IsInt64() || account_id->GetInt64() < 1) return result;
  result.account_id = account_id->GetInt64();
  if (const auto* const id = find(document, "id")) {
    if (!is_id(*id)) return result;
    result.id = id->GetString();
  }
  if (const auto* const time = find(document, "occurred_at")) {
    if (!is_time(*time)) return result;
    result.has_occurred_at = true;
  }
  result.opinion = Opinion::valid;
  return result;
}

}  // namespace tracking::testing
