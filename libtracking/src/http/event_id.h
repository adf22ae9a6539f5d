// Ids for events whose caller gave none.
#pragma once

#include <tracking/event.h>

#include <random>

namespace tracking::remote {

/// Makes UUIDv7 (RFC 9562). Used by one thread at a time.
class EventIdMaker {
 public:
  EventIdMaker();
  /// Different in every call: 74 random bits, beside the time in milliseconds.
  EventId make(Timestamp now) noexcept;

 private:
  std::mt19937_64 random_;
};

}  // namespace tracking::remote
