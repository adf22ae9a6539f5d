#include "web/ack_levels.h"

#include "web/query.h"

namespace tracking::web {

AckLevels::AckLevels(const TrackingService& service) noexcept {
  const BrokerTraits traits = service.broker_traits();
  gives_sent = traits.gives_sent;
  gives_stored = traits.gives_stored;
  by_default = service.default_ack();
  if (by_default == AckLevel::broker_default) by_default = gives_stored ? AckLevel::stored : AckLevel::sent;
}

std::optional<AckLevel> AckLevels::parse(std::string_view text) const noexcept {
  if (text == "sent" && gives_sent) return AckLevel::sent;
  if (text == "stored" && gives_stored) return AckLevel::stored;
  return std::nullopt;
}

std::string AckLevels::refusal(std::string_view text) const {
  const char* const given = gives_sent && gives_stored ? "sent or stored" : gives_stored ? "stored only" : "sent only";
  if (text == "sent" || text == "stored") {
    return std::string("ack: this broker does not give ").append(text).append("; it gives ").append(given);
  }
  return std::string("ack: there is no such level; this broker gives ").append(given);
}

bool read_ack(std::string_view query, const AckLevels& levels, AckLevel& ack, Code& code, std::string& detail) {
  QueryReader parameters(query);
  bool was_seen = false;
  while (parameters.next()) {
    if (parameters.name() != "ack") continue;
    if (was_seen) {
      code = Code::invalid_parameter;
      detail = "ack: must be given once at most";
      return false;
    }
    was_seen = true;
    const auto level = levels.parse(parameters.value());
    if (!level) {
      code = Code::ack_unavailable;
      detail = levels.refusal(parameters.value());
      return false;
    }
    ack = *level;
  }
  return true;
}

}  // namespace tracking::web
