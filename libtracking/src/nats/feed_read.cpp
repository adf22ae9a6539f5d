// The I/O thread's side of a feed.
#include <charconv>

#include "codec/no_memory.h"
#include "nats/feed.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr auto skip_line_interval = 1min;  // between lines about messages that are none of ours
constexpr std::size_t shown_bytes_max = 100;

std::optional<AccountId> account_of(std::string_view subject, std::string_view start) {
  if (!subject.starts_with(start)) return std::nullopt;
  subject.remove_prefix(start.size());
  AccountId id = 0;
  const auto [end, error] = std::from_chars(subject.data(), subject.data() + subject.size(), id);
  if (error != std::errc() || end != subject.data() + subject.size() || id < 1 || subject.front() == '0')
    return std::nullopt;
  return id;
}

std::string_view payload(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

// A stranger's text, fit for a line of a log.
std::string shown(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, shown_bytes_max)) result.push_back(c > ' ' && c < 0x7f ? c : '?');
  return result;
}

}  // namespace

void Feed::read() noexcept {
  if (version_ != shared_version_) refresh();
  if (!reading_) return;
  for (const Subscribed& from : reading_->subscriptions) drain(from);
  flush_batch();
}

void Feed::refresh() noexcept {
  const std::lock_guard lock(mutex_);
  version_ = shared_version_;
  reading_ = shared_;
}

void Feed::drain(const Subscribed& from) noexcept {
  int count = 0;
  int bytes = 0;
  if (natsSubscription_GetPending(from.subscription.get(), &count, &bytes) != NATS_OK) return;
  while (count > 0) {
    natsMsg* raw = nullptr;
    const natsStatus status = natsSubscription_NextMsg(&raw, from.subscription.get(), 0);
    if (status == NATS_SLOW_CONSUMER) continue;  // said once; tick() counts what was dropped
    if (status != NATS_OK) return;
    --count;
    take(Message(raw), from);
    if (batch_.size() == batch_max) flush_batch();
  }
}

void Feed::take(Message message, const Subscribed& from) noexcept {
  const auto account_id = account_of(natsMsg_GetSubject(message.get()), subject_start_);
  if (!account_id) return skip(message.get(), "the subject names no account");
  if (from.account_id == 0 && reading_->single.contains(*account_id)) return;  // it comes by its own subscription
  const std::string_view json = payload(message.get());
  const auto fields = parse_event_line(json);
  if (!fields) return skip(message.get(), "the payload is no event line");
  if (fields->account_id != *account_id) return skip(message.get(), "account_id is not the subject's");
  if (fields->sequence > 0) {
    if (begins_anew_.exchange(false)) sequences_.clear();
    const auto missed = sequences_.missing_before(fields->producer, *account_id, fields->sequence);
    if (missed > 0) {
      flush_batch();
      history_->append_gap({.reason = std::string(gap_reason::sequence), .missed = missed, .account_id = *account_id});
    }
  }
  has_taken_.store(true, std::memory_order_relaxed);
  batch_.push_back({.json = json,
                    .account_id = *account_id,
                    .id = fields->id,
                    .timestamp = fields->timestamp,
                    .sequence = fields->sequence});
  messages_.push_back(std::move(message));
}

void Feed::flush_batch() noexcept {
  if (batch_.empty()) return;
  history_->append_all({batch_, AckLevel::sent});
  batch_.clear();
  messages_.clear();
}

void Feed::skip(natsMsg* message, std::string_view why) noexcept {
  ++skipped_;
  const auto now = std::chrono::steady_clock::now();
  if (!log_ || now < next_skip_line_) return;
  next_skip_line_ = now + skip_line_interval;
  skipped_told_ = skipped_;
  say(log_, LogLevel::warning, [&] {
    return "skipped a message on " + shown(natsMsg_GetSubject(message)) +
           ", which is no event of ours: " + std::string(why) + " (" + std::to_string(skipped_) + " skipped so far)";
  });
}

Feed::~Feed() {
  if (skipped_ == skipped_told_) return;
  say(log_, LogLevel::warning,
      [this] { return "skipped " + std::to_string(skipped_) + " messages in all that are no events of ours"; });
}

}  // namespace tracking::nats_io
