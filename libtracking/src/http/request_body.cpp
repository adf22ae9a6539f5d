#include "http/request_body.h"

#include "codec/event_decoder.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

namespace tracking::remote {

Code check_event(const Event& event, std::size_t data_bytes_max) noexcept {
  if (event.account_id < 1) return Code::invalid_event;
  if (!event.id.empty() && !codec::is_event_id(event.id)) return Code::invalid_event;
  const auto json = event.data.json();
  if (json.empty()) return Code::malformed_json;  // as in process
  if (json.size() > data_bytes_max) return Code::too_large;
  if (event.data.is_trusted()) return Code::ok;
  codec::JsonTraits traits;
  codec::JsonFault fault;
  return codec::validate_json(json, codec::nesting_max - 1, traits, fault) ? Code::ok : Code::malformed_json;
}

void append_event(std::string& out, const Event& event, std::string_view id) {
  out.append("{\"account_id\":").append(std::to_string(event.account_id));
  out.append(",\"id\":\"").append(id).append("\"");
  if (event.occurred_at) {
    char time[codec::rfc3339_size];
    codec::write_rfc3339(time, *event.occurred_at);
    out.append(",\"occurred_at\":\"").append(time, sizeof time).append("\"");
  }
  out.append(",\"data\":").append(event.data.json()).append("}");
}

}  // namespace tracking::remote
