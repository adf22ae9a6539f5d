// Event objects, arrays of them, event lines and plain JSON from arbitrary bytes: no crash, no read beyond the end, no
// byte changed that must not be, the same verdict as RapidJSON, and an event that was taken survives its line.
#include <tracking/subscription.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/event_decoder.h"
#include "codec/event_line.h"
#include "codec/json.h"
#include "fuzz/require.h"
#include "unit_codec/event_oracle.h"
#include "unit_codec/exact_bytes.h"

namespace {

using namespace tracking;
using tracking::testing::ExactBytes;
using tracking::testing::Opinion;

constexpr std::size_t data_bytes_max = 4096;
constexpr std::size_t array_events_max = 32;

// Line breaks may have become spaces. A text with escapes may also have had its id and time unescaped in place.
void require_unchanged(std::string_view before, std::string_view after) {
  if (before.find('\\') != before.npos) return;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool is_line_break = before[i] == '\n' || before[i] == '\r';
    TRACKING_REQUIRE(after[i] == before[i] || (is_line_break && after[i] == ' '));
  }
}

void require_line_survives(const Event& event) {
  const std::string data(event.data.json());
  TRACKING_REQUIRE(data.find_first_of("\r\n") == data.npos);
  char time[codec::rfc3339_size];
  codec::write_rfc3339(time, event.occurred_at.value_or(Timestamp{}));
  const auto id = event.id.empty() ? std::string_view("01936f5e-8c1a-7cc3-98c4-dc0c0c07398f") : event.id;
  ExactBytes room(std::string(codec::event_line_bytes_max(data.size()), '?'));
  const char* const end = codec::write_event_line(room.data(), {.id = id,
                                                                .account_id = event.account_id,
                                                                .timestamp = time,
                                                                .occurred_at = event.occurred_at ? time : nullptr,
                                                                .producer = "p",
                                                                .sequence = data.size(),
                                                                .data = data});
  const ExactBytes line(std::string_view(room.data(), static_cast<std::size_t>(end - room.data())));
  const auto fields = parse_event_line(line.view());
  TRACKING_REQUIRE(fields);
  TRACKING_REQUIRE(fields->id == id && fields->account_id == event.account_id && fields->data == data);
  TRACKING_REQUIRE(fields->occurred_at == event.occurred_at && fields->sequence == data.size());
}

void try_event(std::string_view text) {
  ExactBytes bytes(text);
  Event event;
  codec::DecodeFault fault;
  const bool is_event = codec::decode_event(bytes.data(), bytes.size(), data_bytes_max, event, fault);
  TRACKING_REQUIRE(is_event == (fault.code == Code::ok));
  TRACKING_REQUIRE(fault.offset <= text.size());
  TRACKING_REQUIRE(is_event || !fault.detail().empty());
  require_unchanged(text, bytes.view());
  const auto oracle = tracking::testing::event_opinion(text);
  if (is_event) {
    TRACKING_REQUIRE(event.account_id >= 1 && !event.data.json().empty());
    TRACKING_REQUIRE(oracle.opinion == Opinion::none || oracle.opinion == Opinion::valid);
    if (oracle.opinion == Opinion::valid) {
      TRACKING_REQUIRE(event.account_id == oracle.account_id && event.id == oracle.id);
      TRACKING_REQUIRE(event.occurred_at.has_value() == oracle.has_occurred_at);
    }
    require_line_survives(event);
  } else if (oracle.opinion == Opinion::valid) {
    TRACKING_REQUIRE(fault.code == Code::too_large);
  } else if (oracle.opinion != Opinion::none && fault.code != Code::too_large) {
    TRACKING_REQUIRE((fault.code == Code::malformed_json) == (oracle.opinion == Opinion::malformed_json));
  }
}

// An array decides on each element as if it were alone.
void try_array(std::string_view text) {
  ExactBytes bytes(text);
  std::vector<codec::ArrayElement> elements;
  codec::DecodeFault fault;
  const bool is_array =
      codec::decode_event_array(bytes.data(), bytes.size(), data_bytes_max, array_events_max, elements, fault);
  TRACKING_REQUIRE(elements.size() <= array_events_max);
  TRACKING_REQUIRE(is_array == (fault.code == Code::ok));
  TRACKING_REQUIRE(is_array || elements.empty());
  require_unchanged(text, bytes.view());
  for (const auto& element : elements) {
    if (element.fault.code == Code::ok) require_line_survives(element.event);
  }
  ExactBytes wrapped("[" + std::string(text) + "]");
  ExactBytes alone(text);
  Event event;
  const bool is_event = codec::decode_event(alone.data(), alone.size(), data_bytes_max, event, fault);
  if (!is_event) return;
  TRACKING_REQUIRE(codec::decode_event_array(wrapped.data(), wrapped.size(), data_bytes_max, 1, elements, fault));
  TRACKING_REQUIRE(elements.size() == 1 && elements[0].fault.code == Code::ok);
  TRACKING_REQUIRE(elements[0].event.data.json() == event.data.json());
}

void try_json(std::string_view text) {
  const ExactBytes bytes(text);
  codec::JsonTraits traits;
  codec::JsonFault fault;
  const bool is_valid = codec::validate_json(bytes.view(), codec::nesting_max, traits, fault);
  const auto oracle = tracking::testing::json_opinion(text, codec::nesting_max);
  TRACKING_REQUIRE(oracle == Opinion::none || is_valid == (oracle == Opinion::valid));
  TRACKING_REQUIRE(is_valid || (fault.offset <= text.size() && *fault.what != '\0'));
  if (is_valid) TRACKING_REQUIRE(traits.has_line_breaks == (text.find_first_of("\r\n") != text.npos));
  // Whatever it is, as a string it is JSON.
  std::string quoted;
  codec::append_json_string(quoted, bytes.view());
  TRACKING_REQUIRE(codec::validate_json(quoted, 0, traits, fault));
}

void try_line(std::string_view text) {
  const ExactBytes bytes(text);
  const auto fields = parse_event_line(bytes.view());
  if (!fields) return;
  codec::JsonTraits traits;
  codec::JsonFault fault;
  TRACKING_REQUIRE(codec::validate_json(bytes.view(), codec::nesting_max, traits, fault));
  TRACKING_REQUIRE(!traits.has_line_breaks);
  TRACKING_REQUIRE(codec::is_event_id(fields->id) && fields->account_id >= 1 && !fields->data.empty());
  TRACKING_REQUIRE(fields->producer.empty() == (fields->sequence == 0));
  // A space more, and it is no longer the layout that we read at a glance.
  const ExactBytes spaced("{ " + std::string(text.substr(1)));
  const auto slowly = parse_event_line(spaced.view());
  TRACKING_REQUIRE(slowly && slowly->id == fields->id && slowly->account_id == fields->account_id);
  TRACKING_REQUIRE(slowly->timestamp == fields->timestamp && slowly->occurred_at == fields->occurred_at);
  TRACKING_REQUIRE(slowly->producer == fields->producer && slowly->sequence == fields->sequence);
  TRACKING_REQUIRE(slowly->data == fields->data);
  TRACKING_REQUIRE(parse_cursor(cursor_text({.json = bytes.view(), .cursor = {}, .cursor_text = {}})));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try_event(text);
  try_array(text);
  try_json(text);
  try_line(text);
  return 0;
}
