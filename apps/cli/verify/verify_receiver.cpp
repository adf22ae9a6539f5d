#include "verify_receiver.h"

#include "common/values.h"
#include "connection_options.h"
#include "line_reader.h"
#include "terminal.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace tracking::cli {
namespace {

constexpr std::size_t lines_max = 1'000;
constexpr std::size_t line_bytes_max = 64u << 20;
constexpr std::string_view cursor_name = R"({"cursor":")";

// The text between `begin` and the next of `ends`.
std::optional<std::string_view> text_behind(std::string_view json, std::string_view begin, std::string_view ends) {
  const auto at = json.find(begin);
  if (at == std::string_view::npos) return std::nullopt;
  json.remove_prefix(at + begin.size());
  return json.substr(0, json.find_first_of(ends));
}

// Of a line that to_json(Gap) wrote; no member has a nested value.
Gap parse_gap_line(std::string_view line) {
  Gap gap;
  gap.reason = text_behind(line, R"("reason":")", "\"").value_or("");
  if (const auto missed = text_behind(line, R"("missed":)", ",}")) gap.missed = apps::parse_integer(*missed);
  if (const auto account = text_behind(line, R"("account_id":)", ",}")) gap.account_id = parse_account(*account);
  return gap;
}

}  // namespace

VerifyReceiver::VerifyReceiver(const VerifySettings& settings)
    : settings_(settings), stop_(::eventfd(0, EFD_CLOEXEC)) {}

Result<std::unique_ptr<VerifyReceiver>> VerifyReceiver::open(const VerifySettings& settings) {
  std::unique_ptr<VerifyReceiver> receiver(new VerifyReceiver(settings));
  if (settings.reads_stdin()) {
    receiver->thread_ = std::thread([&self = *receiver] { self.read_stdin(); });
    return receiver;
  }
  auto context = connect_to(settings.from, settings.track.retries);
  if (!context) return context.error();
  context->log = [](LogLevel, std::string_view message) { say(printable(message)); };
  const SubscribeOptions options{.account_ids = settings.accounts, .since = settings.since};
  auto subscriber =
      Subscriber::adopt([&](Wake wake) { return backends().open_subscription(*context, options, std::move(wake)); });
  if (!subscriber) return subscriber.error();
  receiver->subscriber_ = std::move(*subscriber);
  receiver->thread_ = std::thread([&self = *receiver] { self.read_subscription(); });
  return receiver;
}

VerifyReceiver::~VerifyReceiver() {
  if (subscriber_) subscriber_->close();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  ::close(stop_);
}

void VerifyReceiver::read_subscription() {
  while (!subscriber_->is_ended()) {
    subscriber_->next_batch(std::chrono::hours(1), [this](const Deliveries& deliveries) {
      {
        const std::lock_guard lock(mutex_);
        for (const DeliveryView& delivery : deliveries) take(delivery);
        progressed_ = std::chrono::steady_clock::now();
      }
      changed_.notify_all();
    });
  }
  finish(subscriber_->status());
}

void VerifyReceiver::read_stdin() {
  LineReader reader(lines_max, line_bytes_max);
  std::vector<LineReader::Line> lines;
  while (reader.read(lines, stop_)) {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& line : lines) take_line(line.text);
      progressed_ = std::chrono::steady_clock::now();
    }
    changed_.notify_all();
  }
  finish({});
}

void VerifyReceiver::finish(Status status) {
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    status_ = std::move(status);
  }
  changed_.notify_all();
}

void VerifyReceiver::take(const DeliveryView& delivery) {
  if (delivery.gap) {
    say("gap: " + printable(to_json(*delivery.gap)));
    checker_.gap(*delivery.gap);
  } else {
    take_event(delivery.json);
  }
}

void VerifyReceiver::take_line(std::string_view line) {
  if (line.starts_with(R"({"gap":)")) return checker_.gap(parse_gap_line(line));
  if (!line.starts_with(cursor_name)) return take_event(line);
  // A line of the server's own NDJSON: the cursor is no member of the event.
  const auto behind = line.find("\",", cursor_name.size());
  if (behind != std::string_view::npos) take_event("{" + std::string(line.substr(behind + 2)));
}

void VerifyReceiver::take_event(std::string_view line) {
  const auto fields = parse_event_line(line);
  if (!fields) {
    if (!line.empty()) say("this is no event line, and is left out: " + printable(line.substr(0, 200)));
    return;
  }
  const auto event = parse_verify_event(settings_.run, *fields);
  if (!event) return checker_.others_event(fields->account_id, fields->producer, fields->sequence);
  checker_.event(*event, fields->producer, fields->sequence);
  if (event->kind == VerifyEvent::Kind::hello) greeted_.insert(fields->account_id);
  if (event->kind == VerifyEvent::Kind::end && event->is_intact) {
    streams_expected_ = event->end.streams;
    checker_.expect(event->stream, event->end.accepted);
  }
}

void VerifyReceiver::expect(VerifyStream stream, std::uint64_t accepted) {
  const std::lock_guard lock(mutex_);
  streams_expected_ = settings_.streams();
  checker_.expect(stream, accepted);
}

bool VerifyReceiver::wait_hellos(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return greeted_.size() == settings_.accounts.size() || has_ended_; });
}

void VerifyReceiver::wait_change(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  if (!has_ended_) changed_.wait_for(lock, time);
}

bool VerifyReceiver::is_complete() const {
  return streams_expected_ > 0 && checker_.streams_ended() >= streams_expected_ && checker_.is_complete();
}

VerifyReceiver::State VerifyReceiver::state() const {
  const std::lock_guard lock(mutex_);
  return {.is_complete = is_complete(),
          .has_any_end = streams_expected_ > 0,
          .has_ended = has_ended_,
          .status = status_,
          .progressed = progressed_,
          .counts = checker_.counts()};
}

}  // namespace tracking::cli
