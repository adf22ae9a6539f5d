#include "nats/publish_permission.h"

#include <utility>

#include "codec/no_memory.h"

namespace tracking::nats_io {
namespace {

using namespace std::chrono_literals;

constexpr auto probe_interval = 5s;
constexpr auto probe_time_max = 1s;
constexpr auto refusal_time_max = 100ms;

// `Permissions Violation for Publish to "tracking.events.7"` names a subject of ours, or one of somebody else's.
std::optional<std::string> refused_subject(const std::string& refusal, const std::string& prefix) {
  const auto begin = refusal.find('"');
  const auto end = refusal.rfind('"');
  if (begin == refusal.npos || end <= begin + 1) return std::nullopt;
  std::string subject = refusal.substr(begin + 1, end - begin - 1);
  if (!subject.starts_with(prefix + '.')) return std::nullopt;
  return subject;
}

}  // namespace

PublishPermission::PublishPermission(const Options& options, Log log, Probe probe)
    : options_(options), log_(std::move(log)), probe_(std::move(probe)) {}

Status PublishPermission::status() const noexcept {
  return unless_no_memory(Code::broker_unavailable, [this] {
    const std::lock_guard lock(mutex_);
    return status_;
  });
}

void PublishPermission::set(Status status) noexcept {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

void PublishPermission::connected() noexcept {
  refused_subject_ = std::nullopt;
  set({});
}

Result<PublishPermission::Change> PublishPermission::tick(Link& link) noexcept {
  Result<Change> change = Change::none;
  has_memory_for([&] {
    if (const auto refusal = link.take_publish_refusal(); refusal && refuse(*refusal)) {
      change = Change::refused;
    } else if (refused_subject_ && std::chrono::steady_clock::now() >= next_probe_) {
      change = probe(link);
    }
  });
  return change;
}

// False: it is not about events.
bool PublishPermission::refuse(const std::string& refusal) {
  auto subject = refused_subject(refusal, options_.prefix);
  if (!subject) return false;
  Status refused{Code::broker_unavailable, options_.redacted + " does not permit us to publish to " + *subject};
  next_probe_ = std::chrono::steady_clock::now() + probe_interval;
  if (std::exchange(refused_subject_, std::move(subject))) return true;
  set(std::move(refused));
  say(log_, LogLevel::warning, [this] { return status().message() + ": trying again"; });
  return true;
}

// Whether the server takes it now.
Result<PublishPermission::Change> PublishPermission::probe(Link& link) {
  probe_(link, refused_subject_->c_str());
  const auto sent = natsConnection_FlushTimeout(link.get(), std::chrono::milliseconds(probe_time_max).count());
  if (sent != NATS_OK) return {Code::broker_unavailable, "the server does not answer: " + last_error(sent)};
  // A refusal came before the PONG, but cnats tells of it on a thread of its own.
  if (const auto refusal = link.wait_publish_refusal(refusal_time_max); refusal && refuse(*refusal))
    return Change::refused;
  say(log_, LogLevel::info, [this] { return options_.redacted + " permits us to publish to " + *refused_subject_; });
  connected();
  return Change::granted;
}

}  // namespace tracking::nats_io
