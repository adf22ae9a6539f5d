#include "engine/event_fault.h"

#include "codec/json.h"

namespace tracking::engine {
namespace {

std::string describe_data(std::string_view json) {
  codec::JsonTraits traits;
  codec::JsonFault fault;
  if (codec::validate_json(json, codec::nesting_max - 1, traits, fault)) return "data is not valid";
  return "data is not valid JSON: " + std::string(fault.what) + " (byte " + std::to_string(fault.offset) + ")";
}

}  // namespace

std::string describe(const Event& event, Code code, std::size_t data_bytes_max) {
  const std::string account = "account " + std::to_string(event.account_id);
  switch (code) {
    case Code::unknown_account:
      return account + " does not exist";
    case Code::inactive_account:
      return account + " is not active";
    case Code::malformed_json:
      return describe_data(event.data.json());
    case Code::too_large:
      return "data has " + std::to_string(event.data.json().size()) + " bytes, more than the limit of " +
             std::to_string(data_bytes_max);
    case Code::invalid_event:
      return event.account_id <= 0 ? "account_id must be from 1 to 9223372036854775807"
                                   : "id must be 1 to 64 characters of [A-Za-z0-9._:-]";
    case Code::accounts_unavailable:
      return "the account repository does not answer, and " + account + " is not cached";
    case Code::broker_unavailable:
      return "the broker cannot be reached; nothing was accepted";
    case Code::overloaded:
      return "too many events are waiting; nothing was accepted";
    case Code::in_doubt:
      return "the broker did not say whether it took the event; repeat it with the same id";
    case Code::ack_unavailable:
      return "the broker does not give the ack level asked for";
    case Code::closed:
      return "the service is closed";
    default:
      return std::string(title(code));
  }
}

}  // namespace tracking::engine
