#include "http/answers.h"

#include "codec/rfc3339.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace tracking::remote {
namespace {

// RapidJSON uses what its allocator gives without a look: its own gives nullptr when there is no memory, this one
// throws.
struct ThrowingAllocator {
  [[maybe_unused]] static constexpr bool kNeedFree = true;
  void* Malloc(std::size_t size) { return size == 0 ? nullptr : ::operator new(size); }
  void* Realloc(void* from, std::size_t from_size, std::size_t size) {
    void* const to = Malloc(size);
    if (from && to) std::memcpy(to, from, std::min(from_size, size));
    Free(from);
    return to;
  }
  static void Free(void* memory) { ::operator delete(memory); }
};

using Pool = rapidjson::MemoryPoolAllocator<ThrowingAllocator>;
using Document = rapidjson::GenericDocument<rapidjson::UTF8<>, Pool, ThrowingAllocator>;
using Value = Document::ValueType;

// Iterative: a server's answer must not be able to exhaust our stack. Empty unless it is an object.
class Object {
 public:
  explicit Object(std::string_view json) {
    document_.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
    if (!document_.HasParseError() && document_.IsObject()) value_ = &document_;
  }
  explicit Object(const Value& value) : value_(value.IsObject() ? &value : nullptr) {}

  explicit operator bool() const { return value_ != nullptr; }

  const Value* member(const char* name) const {
    if (!value_) return nullptr;
    const auto found = value_->FindMember(name);
    return found != value_->MemberEnd() ? &found->value : nullptr;
  }
  std::string_view text(const char* name) const {
    const Value* value = member(name);
    return value && value->IsString() ? std::string_view(value->GetString(), value->GetStringLength())
                                      : std::string_view();
  }
  std::optional<std::uint64_t> number(const char* name) const {
    const Value* value = member(name);
    return value && value->IsUint64() ? std::optional(value->GetUint64()) : std::nullopt;
  }
  bool is_true(const char* name) const {
    const Value* value = member(name);
    return value && value->IsTrue();
  }
  const Value* array(const char* name) const {
    const Value* value = member(name);
    return value && value->IsArray() ? value : nullptr;
  }

 private:
  Document document_;
  const Value* value_ = nullptr;
};

// What a status says without a document of ours. A gateway's 502 or 504 may hide an accepted event.
Code code_of_status(int status) {
  switch (status) {
    case 401:
      return Code::unauthorized;
    case 403:
      return Code::forbidden;
    case 404:
      return Code::not_found;
    case 405:
      return Code::method_not_allowed;
    case 408:
      return Code::request_timeout;
    case 413:
      return Code::too_large;
    case 429:
      return Code::rate_limited;
    case 503:
      return Code::broker_unavailable;
    default:
      return status >= 500 ? Code::in_doubt : Code::bad_request;
  }
}

std::string one_line(std::string_view text) {
  std::string line(text.substr(0, 500));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return line;
}

std::optional<Account> read_account(const Object& object) {
  const auto id = object.number("id");
  if (!id || *id < 1 || *id > INT64_MAX) return std::nullopt;
  return Account{static_cast<AccountId>(*id), std::string(object.text("name")), object.is_true("is_active")};
}

}  // namespace

std::string Problem::text() const {
  return detail.empty() ? std::string(name(code)) : std::string(name(code)) + ": " + detail;
}

Problem parse_problem(const Answer& answer) {
  const Object object(answer.content_type == "application/problem+json" ? std::string_view(answer.body)
                                                                        : std::string_view());
  if (const auto type = object.text("type"); !type.empty()) {
    Code code = code_from_name(type);
    // A type that is newer than we are keeps the meaning of its status.
    if (code == Code::internal && type != name(Code::internal)) code = code_of_status(answer.status);
    return {code, one_line(object.text("detail"))};
  }
  return {code_of_status(answer.status), "HTTP status " + std::to_string(answer.status)};
}

std::optional<AckLevel> parse_ack(std::string_view text) {
  if (text == name(AckLevel::sent)) return AckLevel::sent;
  if (text == name(AckLevel::stored)) return AckLevel::stored;
  return std::nullopt;
}

std::optional<EventAnswer> parse_event_answer(std::string_view json) {
  const Object object(json);
  const auto ack = parse_ack(object.text("ack"));
  const auto timestamp = codec::parse_rfc3339(object.text("timestamp"));
  const auto id = object.text("id");
  if (!ack || !timestamp || id.empty() || id.size() > EventId::bytes_max) return std::nullopt;
  return EventAnswer{std::string(id), *timestamp, *ack, object.is_true("duplicate")};
}

std::optional<BatchAnswer> parse_batch_answer(std::string_view json) {
  const Object object(json);
  const auto accepted = object.number("accepted");
  if (!accepted) return std::nullopt;
  BatchAnswer answer;
  answer.accepted = *accepted;
  answer.duplicates = object.number("duplicates").value_or(0);
  answer.ack = parse_ack(object.text("ack")).value_or(AckLevel::sent);
  if (const auto stopped_at = object.number("stopped_at")) {
    answer.stopped_at = static_cast<std::size_t>(*stopped_at);
    answer.stopped_by = code_from_name(object.text("type"));
  }
  if (const Value* rejected = object.array("rejected")) {
    for (const Value& entry : rejected->GetArray()) {
      const Object rejection(entry);
      const auto index = rejection.number("index");
      if (!index) return std::nullopt;
      answer.rejected.push_back({static_cast<std::size_t>(*index), code_from_name(rejection.text("type"))});
    }
  }
  return answer;
}

std::optional<Account> parse_account(std::string_view json) { return read_account(Object(json)); }

std::optional<std::vector<Account>> parse_account_list(std::string_view json) {
  const Object object(json);
  const Value* entries = object.array("accounts");
  if (!entries) return std::nullopt;
  std::vector<Account> accounts;
  for (const Value& entry : entries->GetArray()) {
    auto account = read_account(Object(entry));
    if (!account) return std::nullopt;
    accounts.push_back(std::move(*account));
  }
  return accounts;
}

Gap parse_gap(std::string_view json) {
  const Object object(json);
  const Value* inner = object.member("gap");
  const Object wrapped = inner ? Object(*inner) : Object(std::string_view());
  const Object& gap = wrapped ? wrapped : object;
  const auto reason = gap.text("reason");
  Gap result{.reason = reason.empty() ? "unknown" : one_line(reason.substr(0, 64))};
  result.missed = gap.number("missed");
  const auto account_id = gap.number("account_id");
  if (account_id && *account_id >= 1 && *account_id <= INT64_MAX)
    result.account_id = static_cast<AccountId>(*account_id);
  return result;
}

}  // namespace tracking::remote
