#include "track_client.h"

#include "connection_options.h"
#include "terminal.h"

#include <algorithm>
#include <new>

namespace tracking::cli {
namespace {

constexpr auto pause_first = std::chrono::milliseconds(50);
constexpr auto pause_max = std::chrono::milliseconds(2'000);

/// A server that says `closed` is being replaced by another.
bool may_pass(Code code) {
  return is_retriable(code) || code == Code::closed || code == Code::in_doubt || code == Code::rate_limited;
}

}  // namespace

Result<std::unique_ptr<TrackClient>> TrackClient::open(const TrackSettings& settings) {
  auto context = connect_to(settings.url);
  if (!context) return context.error();
  if (settings.connections > 0) {
    context->url.parameters.erase("connections");
    context->url.parameters.emplace("connections", std::to_string(settings.connections));
  }
  ServiceOptions options;
  options.data_bytes_max = 64u << 20;  // the server knows its limit, and says so
  auto service = backends().open_service(*context, options);
  if (!service) return service.error();
  return std::unique_ptr<TrackClient>(new TrackClient(std::move(*service), settings));
}

TrackClient::~TrackClient() { service_->close(std::chrono::milliseconds(0)).ignore(); }

void TrackClient::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  service_->close(std::chrono::milliseconds(0)).ignore();
}

// False: give up.
bool TrackClient::wait_before_retry(Code code, std::chrono::steady_clock::time_point deadline) {
  if (!settings_.retries) return false;
  if (code != said_) {
    const Status status = connection();
    const std::string reason = status.code() == Code::could_not_connect ? status.message() : std::string(name(code));
    say(printable(reason) + ": trying again");
    said_ = code;
  }
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, pause_first, pause_max);
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return false;
  const auto wake_at = std::min(deadline, now + pause_);
  std::unique_lock lock(mutex_);
  return !stopping_.wait_until(lock, wake_at, [this] { return is_stopping_; });
}

std::vector<Receipt> TrackClient::track(std::vector<Event> events,
                                        const std::function<void(std::size_t)>& sends_again) {
  std::vector<Receipt> result(events.size());
  std::vector<EventId> ids(events.size());  // of events in doubt; stays in place while events point into it
  std::vector<std::size_t> open(events.size());
  for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
  auto deadline = std::chrono::steady_clock::now() + settings_.retry_time;
  for (;;) {
    std::vector<Event> sent;
    sent.reserve(open.size());
    for (const std::size_t index : open) sent.push_back(events[index]);
    const auto receipts = service_->track(sent, {.ack = settings_.ack});
    if (receipts.size() < sent.size()) throw std::bad_alloc();
    std::vector<std::size_t> still_open;
    for (std::size_t i = 0; i < open.size(); ++i) {
      const std::size_t index = open[i];
      result[index] = receipts[i];
      if (!may_pass(receipts[i].code)) continue;
      if (receipts[i].code == Code::in_doubt) {
        ids[index] = receipts[i].id;
        events[index].id = ids[index];
      }
      still_open.push_back(index);
    }
    const bool has_progressed = still_open.size() < open.size();
    open.swap(still_open);
    if (open.empty()) {
      said_ = Code::ok;
      pause_ = pause_.zero();
      return result;
    }
    if (has_progressed) {
      deadline = std::chrono::steady_clock::now() + settings_.retry_time;
      pause_ = pause_.zero();
    }
    if (!wait_before_retry(result[open.front()].code, deadline)) return result;
    for (const std::size_t index : open) {
      if (sends_again) sends_again(index);
    }
  }
}

}  // namespace tracking::cli
