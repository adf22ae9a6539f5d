// Lines, and what readers get of them.
#pragma once

#include <string>

#include "history/stored_subscription.h"

namespace tracking::history {

inline std::string line_json(AccountId account, std::uint64_t position) {
  return R"({"id":"e)" + std::to_string(position) + R"(","account_id":)" + std::to_string(account) +
         R"(,"timestamp":"2026-11-23T20:24:06.751257Z","data":)" + std::to_string(position) + "}";
}

/// Appends one event, whose data is its position.
inline void put(EventHistory& history, std::uint64_t position, AccountId account = 1) {
  const std::string json = line_json(account, position);
  history.append_at(position,
                    {.json = json, .account_id = account, .timestamp = Timestamp(std::chrono::microseconds(position))});
}

/// "3 4 [expired 2] 5": positions of events, and gaps, of one read.
inline std::string read_once(Subscription& subscription, ReadState* last = nullptr, std::size_t events_max = 64) {
  std::string text;
  Deliveries deliveries;
  const ReadState state = subscription.read(deliveries, events_max, 1 << 20);
  for (const DeliveryView& view : deliveries) {
    if (!text.empty()) text += ' ';
    text += view.gap ? "[" + view.gap->reason + (view.gap->missed ? " " + std::to_string(*view.gap->missed) : "") + "]"
                     : std::to_string(view.cursor.position);
  }
  if (last) *last = state;
  return text;
}

/// The same until there is nothing more at once.
inline std::string read_all(Subscription& subscription, ReadState* last = nullptr, std::size_t events_max = 64) {
  std::string text;
  ReadState state = ReadState::more;
  while (state == ReadState::more) {
    const std::string some = read_once(subscription, &state, events_max);
    if (!text.empty() && !some.empty()) text += ' ';
    text += some;
  }
  if (last) *last = state;
  return text;
}

}  // namespace tracking::history
