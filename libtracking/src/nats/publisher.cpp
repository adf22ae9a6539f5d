#include "nats/publisher.h"

#include <charconv>

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t queue_bytes_max = 32 << 20;    // takes two of the largest arrays
constexpr std::size_t prompt_bytes_max = 1 << 20;    // some 5,000 events
constexpr auto held_max = 1s;                        // and up to a tick more
constexpr std::size_t output_bytes_max = 256 << 10;  // of one write_output()
constexpr auto probe_interval = 5s;
constexpr auto probe_time_max = 1s;

// `Permissions Violation for Publish to "tracking.events.7"` names a subject of ours, or something else.
std::string refused_subject(const std::string& refusal, const std::string& prefix) {
  const auto begin = refusal.find('"');
  const auto end = refusal.rfind('"');
  if (begin == refusal.npos || end <= begin + 1) return prefix + ".0";
  const std::string subject = refusal.substr(begin + 1, end - begin - 1);
  return subject.starts_with(prefix + '.') ? subject : prefix + ".0";
}

}  // namespace

Subject::Subject(const std::string& prefix) : start_(prefix.size() + 1), text_(prefix + '.') {
  text_.resize(start_ + 21);  // 19 digits and the end
}

const char* Subject::of(AccountId account_id) noexcept {
  char* const digits = text_.data() + start_;
  *std::to_chars(digits, digits + 20, account_id).ptr = '\0';
  return text_.c_str();
}

Publisher::Publisher(const Options& options, Log log)
    : options_(options), log_(std::move(log)), queue_(queue_bytes_max, prompt_bytes_max), subject_(options.prefix) {}

bool Publisher::publish(const Lines& lines, Completion done) noexcept {
  const auto pushed = queue_.push(lines);
  if (pushed.code != Code::ok || pushed.has_too_large) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i >= pushed.refused_from) {
        done.one(i, {.code = pushed.code});
      } else if (lines[i].json.size() > pushed.line_bytes_max) {
        done.one(i, {.code = Code::too_large});
      }
    }
  }
  if (!pushed.is_far_back || !queue_.hold(pushed, done)) done.all(AckLevel::sent);
  return pushed.refused_from > 0;
}

Status Publisher::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Publisher::set(Status status) {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

void Publisher::connected(Link& link) {
  refused_subject_ = std::nullopt;
  set({});
  queue_.open(link.payload_bytes_max());
}

void Publisher::disconnected() { queue_.close(); }

Status Publisher::tick(Link& link) {
  queue_.tell_held_since(std::chrono::steady_clock::now() - held_max);
  if (const auto refusal = link.take_publish_refusal()) refuse(*refusal);
  if (!refused_subject_ || std::chrono::steady_clock::now() < next_probe_) return {};
  return probe(link);
}

void Publisher::refuse(const std::string& refusal) {
  queue_.stop();
  next_probe_ = std::chrono::steady_clock::now() + probe_interval;
  if (refused_subject_) return;
  refused_subject_ = refused_subject(refusal, options_.prefix);
  set({Code::broker_unavailable, options_.redacted + " does not permit us to publish to " + *refused_subject_});
  if (log_) log_(LogLevel::warning, status().message() + ": trying again");
}

// Whether the server takes it now. Only a link that does not answer is a failure.
Status Publisher::probe(Link& link) {
  natsConnection_Publish(link.get(), refused_subject_->c_str(), "", 0);
  const auto sent = natsConnection_FlushTimeout(link.get(), std::chrono::milliseconds(probe_time_max).count());
  if (sent != NATS_OK) return {Code::broker_unavailable, "the server does not answer: " + last_error(sent)};
  // A refusal came before the PONG, but cnats tells of it on a thread of its own.
  if (const auto refusal = link.wait_publish_refusal(100ms)) {
    refuse(*refusal);
    return {};
  }
  if (log_) log_(LogLevel::info, options_.redacted + " permits us to publish to " + *refused_subject_);
  connected(link);
  return {};
}

void Publisher::write_output(Link& link) noexcept {
  PublishQueue::Message message;
  std::size_t bytes = 0;
  while (bytes < output_bytes_max && queue_.next(message)) {
    natsConnection_Publish(link.get(), subject_.of(message.account_id), message.json.data(),
                           static_cast<int>(message.json.size()));
    bytes += message.json.size();
  }
  queue_.tell_near();
}

}  // namespace tracking::nats_io
