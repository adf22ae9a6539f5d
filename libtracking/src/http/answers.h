// Reads what servers answer. The only part that knows RapidJSON. Bad answers are read as far as they make sense. All of
// these may throw std::bad_alloc.
#pragma once

#include "http/connection.h"

#include <tracking/account.h>
#include <tracking/event.h>
#include <tracking/subscription.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::remote {

/// An answer that is no success.
struct Problem {
  Code code = Code::internal;
  std::string detail;

  /// "unknown-account: there is no account 7", one line.
  std::string text() const;
};

/// From problem+json, or from the status alone if something else stands between us and the server.
Problem parse_problem(const Answer& answer);

/// The answer to one event, of code ok.
struct EventAnswer {
  std::string id;
  Timestamp timestamp{};
  AckLevel ack = AckLevel::sent;
  bool is_duplicate = false;
};
std::optional<EventAnswer> parse_event_answer(std::string_view json);

/// The answer to an array of events.
struct BatchAnswer {
  struct Rejection {
    std::size_t index = 0;
    Code code = Code::internal;
  };
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  AckLevel ack = AckLevel::sent;
  std::vector<Rejection> rejected;
  std::optional<std::size_t> stopped_at;
  Code stopped_by = Code::internal;  ///< if it stopped
};
std::optional<BatchAnswer> parse_batch_answer(std::string_view json);

std::optional<Account> parse_account(std::string_view json);
std::optional<std::vector<Account>> parse_account_list(std::string_view json);

/// `{"reason":"expired","missed":3}`, also inside `{"gap":...}`. A gap that cannot be read is one without a known
/// number.
Gap parse_gap(std::string_view json);

/// "sent" or "stored"; nothing else.
std::optional<AckLevel> parse_ack(std::string_view name);

}  // namespace tracking::remote
