// Decodes a text in memory of its own.
#pragma once

#include <string>
#include <string_view>

#include "codec/event_decoder.h"
#include "unit_codec/exact_bytes.h"

namespace tracking::testing {

/// What decode_event() makes of a text; the event's views point into `bytes`.
struct Decoded {
  explicit Decoded(std::string_view text, std::size_t data_bytes_max = 256 * 1024)
      : bytes(text), is_ok(codec::decode_event(bytes.data(), bytes.size(), data_bytes_max, event, fault)) {}

  ExactBytes bytes;
  Event event;
  codec::DecodeFault fault;
  bool is_ok;
};

}  // namespace tracking::testing
