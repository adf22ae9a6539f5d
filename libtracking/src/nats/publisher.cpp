#include "nats/publisher.h"

#include <charconv>

#include "codec/no_memory.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t queue_bytes_max = 32 << 20;    // takes two of the largest arrays
constexpr std::size_t prompt_bytes_max = 1 << 20;    // some 5,000 events
constexpr auto held_max = 1s;                        // and up to a tick more
constexpr std::size_t output_bytes_max = 256 << 10;  // of one write_output()

// Nobody takes an empty message for an event.
void publish_nothing(Link& link, const char* subject) { natsConnection_Publish(link.get(), subject, "", 0); }

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
    : server_(options.redacted),
      permission_(options, std::move(log), publish_nothing),
      queue_(queue_bytes_max, prompt_bytes_max),
      subject_(options.prefix) {}

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

Status Publisher::status() const noexcept {
  if (auto status = permission_.status(); !status) return status;
  if (queue_.is_open()) return {};
  return unless_no_memory(Code::broker_unavailable, [this]() -> Status {
    return {Code::broker_unavailable, server_ + " takes no events at present"};
  });
}

void Publisher::connected(Link& link) {
  permission_.connected();
  queue_.open(link.payload_bytes_max());
}

void Publisher::disconnected() { queue_.close(); }

Status Publisher::tick(Link& link) {
  queue_.tell_held_since(std::chrono::steady_clock::now() - held_max);
  const auto change = permission_.tick(link);
  if (!change) return change.error();
  if (*change == PublishPermission::Change::refused) queue_.stop();
  if (*change == PublishPermission::Change::granted) queue_.open(link.payload_bytes_max());
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
