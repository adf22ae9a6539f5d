// Reads the event objects that clients send: `{"account_id":1,"data":"foo","id":"...","occurred_at":"..."}`.
#pragma once

#include <tracking/event.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::codec {

/// Why an event was not taken.
struct TRACKING_EXPORT DecodeFault {
  Code code = Code::ok;       ///< malformed_json, invalid_event, too_large, or overloaded (no memory for an array)
  std::size_t offset = 0;     ///< byte offset in the text given
  std::string_view member{};  ///< "account_id", or empty; static, or for a member that we do not know in the text given
  const char* what = "";      ///< static storage

  /// "account_id: must be an integer from 1 to 9223372036854775807 (byte 14)"
  std::string detail() const;
};

/// Reads one event object from the whole of `text` (white space around it allowed). `text` is changed in place: raw
/// line breaks inside data become spaces. `data` must not be longer than data_bytes_max (else too_large). An id is 1-64
/// characters of [A-Za-z0-9._:-], so it never needs unescaping into new memory: one written with escapes is unescaped
/// in place.
TRACKING_EXPORT bool decode_event(char* text, std::size_t size, std::size_t data_bytes_max, Event& event,
                                  DecodeFault& fault) noexcept;

/// One element of an array body.
struct ArrayElement {
  Event event;
  DecodeFault fault;  ///< code ok: the event is good
};

/// Reads an array of event objects. False: not JSON, or more than events_max (then too_large), and nothing counts. An
/// element that is JSON but no event has its fault. `elements` is cleared first and reused.
TRACKING_EXPORT bool decode_event_array(char* text, std::size_t size, std::size_t data_bytes_max,
                                        std::size_t events_max, std::vector<ArrayElement>& elements,
                                        DecodeFault& fault) noexcept;

/// True for 1-64 characters of [A-Za-z0-9._:-].
TRACKING_EXPORT bool is_event_id(std::string_view text) noexcept;

}  // namespace tracking::codec
