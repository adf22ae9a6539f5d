#include "nats/jetstream_start.h"

#include <algorithm>

namespace tracking::jetstream {
namespace {

using namespace std::chrono_literals;

// The server's clock says when a message was stored, ours when the event was accepted: so far may they be apart.
constexpr auto clock_difference_max = 5s;
// For each account the server counts for itself.
constexpr std::size_t tail_accounts_max = 64;

class Resolver {
 public:
  Resolver(Api& api, LiveFeed& feed, EventReader& events, const SubscribeOptions& options, Timestamp now,
           Api::Deadline deadline)
      : api_(api), feed_(feed), events_(events), options_(options), now_(now), deadline_(deadline) {}

  Result<ResolvedStart> resolve(const StartPoint& point, std::uint64_t acknowledged);

 private:
  Status start_at_cursor(const Cursor& cursor);
  Status start_at_time(Timestamp time, bool is_asked_for);
  Status start_at_tail(std::uint64_t tail, bool is_alone);
  Result<bool> is_still_meant(const Cursor& cursor);
  Result<std::uint64_t> count_from(std::uint64_t position);
  Result<std::uint64_t> find_tail(std::uint64_t tail);
  void go_to(std::uint64_t position, Timestamp time);
  void tell(std::string_view reason, std::optional<std::uint64_t> missed = std::nullopt) {
    start_.stored.gap = Gap{.reason = std::string(reason), .missed = missed};
  }

  Api& api_;
  LiveFeed& feed_;
  EventReader& events_;
  const SubscribeOptions& options_;
  const Timestamp now_;
  const Api::Deadline deadline_;
  StreamInfo info_;
  ResolvedStart start_;
};

Result<ResolvedStart> Resolver::resolve(const StartPoint& point, std::uint64_t acknowledged) {
  const auto extent = feed_.history()->extent();
  info_.incarnation = start_.scan.incarnation = extent.incarnation;
  const bool is_now = point.kind == StartPoint::Kind::now || point.kind == StartPoint::Kind::unreadable_cursor;
  go_to(std::max(extent.next, acknowledged + 1), now_);
  if (point.kind == StartPoint::Kind::unreadable_cursor) tell(gap_reason::unknown_cursor);
  if (is_now && !options_.tail && options_.follow) return std::move(start_);

  const auto info = api_.stream_info(deadline_);
  if (!info) return info.error();
  if (info->incarnation != info_.incarnation)
    return {Code::broker_unavailable, "the stream " + api_.stream() + " was made anew just now: try again"};
  info_ = *info;
  // What is compared with the live history below must be in it.
  if (!feed_.wait_for(info_.last + 1, deadline_)) return {Code::broker_unavailable, "JetStream does not answer"};
  if (!options_.follow) start_.stored.end = info_.last + 1;
  Status status;
  if (is_now) {
    go_to(info_.last + 1, now_);
  } else if (point.kind == StartPoint::Kind::all) {
    go_to(info_.first, Timestamp{});
  } else if (point.kind == StartPoint::Kind::time) {
    status = start_at_time(point.time, true);
  } else {
    status = start_at_cursor(point.cursor);
  }
  if (status && options_.tail) status = start_at_tail(*options_.tail, is_now);
  if (!status) return status;
  return std::move(start_);
}

void Resolver::go_to(std::uint64_t position, Timestamp time) {
  start_.stored.position = start_.scan.position = position;
  start_.stored.cursor = {.incarnation = info_.incarnation, .position = position - 1, .timestamp = time};
}

Status Resolver::start_at_cursor(const Cursor& cursor) {
  const bool is_ours = cursor.incarnation == info_.incarnation && cursor.position <= info_.last;
  if (is_ours && cursor.position + 1 < info_.first) {
    const bool is_exact = options_.account_ids.empty() && info_.is_ours_alone;
    tell(gap_reason::expired, is_exact ? std::optional(info_.first - cursor.position - 1) : std::nullopt);
    go_to(info_.first, cursor.timestamp);
    return {};
  }
  const auto is_meant = is_ours ? is_still_meant(cursor) : false;
  if (!is_meant) return is_meant.error();
  if (!*is_meant) {
    tell(gap_reason::unknown_cursor);
    return start_at_time(cursor.timestamp, false);
  }
  go_to(cursor.position + 1, cursor.timestamp);
  start_.stored.cursor = cursor;
  return {};
}

// Whether the event at the cursor's position is the one that it was made of.
Result<bool> Resolver::is_still_meant(const Cursor& cursor) {
  if (cursor.id_hash == 0) return true;
  const auto message = api_.message_at(cursor.position, deadline_);
  // Deleted: then nothing there says otherwise.
  if (message.code() == Code::not_found) return true;
  if (!message) return message.error();
  const auto event = parse_event_line(message->payload);
  return event && event->timestamp == cursor.timestamp && hash_id(event->id) == cursor.id_hash;
}

Status Resolver::start_at_time(Timestamp time, bool is_asked_for) {
  const auto consumer = api_.create_consumer(
      {.time = std::max(time, Timestamp(clock_difference_max)) - clock_difference_max, .filter = ""}, deadline_);
  if (!consumer) return consumer.error();
  api_.drop_consumer(consumer->name);
  const std::uint64_t begin = std::min(consumer->position, info_.last + 1);
  if (is_asked_for && begin == info_.first && info_.first > 1) {
    // Older ones are gone, and may have been late enough.
    const auto oldest = api_.message_at(info_.first, deadline_);
    const auto event = oldest ? parse_event_line(oldest->payload) : std::nullopt;
    if (event && event->timestamp > time) tell(gap_reason::expired);
  }
  if (begin >= feed_.history()->extent().oldest) {
    // What the stream holds no more is not to be had from memory either.
    go_to(std::max(feed_.history()->find_time(time), begin), time);
  } else {
    go_to(begin, time);
    start_.scan.not_before = time;
  }
  return {};
}

Status Resolver::start_at_tail(std::uint64_t tail, bool is_alone) {
  if (options_.account_ids.size() > tail_accounts_max)
    return {Code::invalid_parameter, "tail takes at most 64 accounts"};
  const auto position = find_tail(tail);
  if (!position) return position.error();
  if (is_alone || *position > start_.stored.position) {
    const auto not_before = start_.scan.not_before;
    auto gap = std::move(start_.stored.gap);
    go_to(*position, start_.stored.cursor.timestamp);
    start_.scan.not_before = not_before;
    // What is missing before a tail was not asked for.
    if (is_alone) start_.stored.gap = std::move(gap);
  }
  return {};
}

// How many messages of the accounts there are from `position` on.
Result<std::uint64_t> Resolver::count_from(std::uint64_t position) {
  if (position > info_.last) return std::uint64_t{0};
  std::vector<std::string> filters;
  for (const AccountId id : options_.account_ids) filters.push_back(events_.subject(id));
  if (filters.empty()) filters.push_back(info_.is_ours_alone ? "" : api_.wildcard());
  std::uint64_t count = 0;
  for (auto& filter : filters) {
    const auto consumer = api_.create_consumer({.position = position, .filter = std::move(filter)}, deadline_);
    if (!consumer) return consumer.error();
    api_.drop_consumer(consumer->name);
    count += consumer->waiting;
  }
  return count;
}

// A position from which on there are just so many messages, or all there are.
Result<std::uint64_t> Resolver::find_tail(std::uint64_t tail) {
  std::uint64_t low = info_.first;  // from here on there are more than enough
  std::uint64_t high = info_.last + 1;
  if (tail == 0) return high;
  auto count = count_from(low);
  if (!count) return count.error();
  if (*count <= tail) return low;
  std::uint64_t above = 0;  // messages from `high` on
  for (bool halves = false; high - low > 1; halves = !halves) {
    // Guessed as if they were spread evenly; every other time in the middle, as they may not be.
    const double part = halves ? 0.5 : static_cast<double>(tail - above) / static_cast<double>(*count - above);
    const auto back = static_cast<std::uint64_t>(part * static_cast<double>(high - low));
    const std::uint64_t guess = std::clamp(high - back, low + 1, high - 1);
    const auto found = count_from(guess);
    if (!found) return found.error();
    if (*found == tail) return guess;
    if (*found > tail) {
      low = guess;
      count = found;
    } else {
      high = guess;
      above = *found;
    }
  }
  return low;
}

}  // namespace

Result<ResolvedStart> resolve_start(Api& api, LiveFeed& feed, EventReader& events, const SubscribeOptions& options,
                                    const StartPoint& point, std::uint64_t acknowledged, Timestamp now,
                                    Api::Deadline deadline) {
  return Resolver(api, feed, events, options, now, deadline).resolve(point, acknowledged);
}

}  // namespace tracking::jetstream
