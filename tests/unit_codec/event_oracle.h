// A second opinion on event objects: what RapidJSON's reader and plain code over it say. Slow and simple on purpose.
#pragma once

#include <tracking/event.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tracking::testing {

enum class Opinion : std::uint8_t {
  valid,
  invalid_event,  ///< JSON, but no event
  malformed_json,
  none,  ///< RapidJSON cannot say, see json_opinion()
};

/// Whether `text` is one JSON value of at most `levels` levels. RapidJSON 1.1 differs from RFC 8259 as we read it, and
/// then has no opinion: it refuses numbers beyond the range of double (1e400, 10,000 digits) and a high surrogate alone
/// (\ud800; but not \udc00), and it takes a raw NUL between tokens for the end of the text.
Opinion json_opinion(std::string_view text, int levels);

/// Its opinion of an event object, and if it is valid the members as it reads them.
struct EventOpinion {
  Opinion opinion = Opinion::none;
  AccountId account_id = 0;
  std::string id;
  bool has_occurred_at = false;
};
EventOpinion event_opinion(std::string_view text);

}  // namespace tracking::testing
