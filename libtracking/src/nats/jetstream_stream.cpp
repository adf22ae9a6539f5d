#include "nats/jetstream_stream.h"

#include "codec/no_memory.h"

namespace tracking::jetstream {
namespace {

// nats-server removes a stream's files after it has answered that the stream is deleted. One of the same name that is
// made at that moment loses its files too (seen with 2.9.10), and takes nothing until the server starts again.
constexpr auto removal_max = std::chrono::seconds(2);

}  // namespace

StreamKeeper::StreamKeeper(Api& api, Settings settings, bool may_create, Log log)
    : api_(api),
      settings_(std::move(settings)),
      may_create_(may_create),
      log_(std::move(log)),
      status_(Code::broker_unavailable, "the stream " + settings_.stream + " was not looked at yet") {}

Status StreamKeeper::status() const noexcept {
  return unless_no_memory(Code::broker_unavailable, [this] {
    const std::lock_guard lock(mutex_);
    return status_;
  });
}

void StreamKeeper::set_unready(const Status& reason) noexcept {
  known_ = 0;
  set(unless_no_memory(Code::broker_unavailable, [&] { return Status(Code::broker_unavailable, reason.message()); }));
}

void StreamKeeper::set(Status status) noexcept {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    is_news = status_.message() != status.message();
  }
  if (is_news && !status) say(log_, LogLevel::warning, [&] { return std::string_view(status.message()); });
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

Result<StreamInfo> StreamKeeper::look(Api::Deadline deadline) {
  auto info = find_or_create(deadline);
  if (info) {
    set({});
  } else if (info.code() != Code::timed_out) {
    set_unready(info.error());
  }
  return info;
}

Result<StreamInfo> StreamKeeper::find_or_create(Api::Deadline deadline) {
  const auto& name = settings_.stream;
  std::string text;
  auto info = api_.stream_info(deadline, &text);
  if (info.code() == Code::not_found) {
    if (!may_create_) return {Code::not_found, "there is no stream " + name + ": tracking-httpd makes it"};
    const auto now = std::chrono::steady_clock::now();
    if (std::exchange(was_there_, false)) make_from_ = now + removal_max;
    if (now < make_from_) return {Code::not_found, "the stream " + name + " was deleted: it is made again"};
    const auto made = api_.create_stream(stream_config(settings_, api_.wildcard()), deadline);
    if (made) say(log_, LogLevel::info, [&] { return "made the stream " + name + " for " + api_.wildcard(); });
    // Another replica may have made it at the same moment.
    info = api_.stream_info(deadline, &text);
    if (!info && !made)
      return {made.code(), "there is no stream " + name + ", and it cannot be made: " + made.message()};
    if (made) known_ = info ? info->incarnation : 0;
  }
  was_there_ = was_there_ || info;
  if (!info || info->incarnation == known_) return info;
  const auto config = JsonObject::parse(text);
  if (auto status = check_stream(*config, name, api_.wildcard()); !status) return status;
  const auto different = may_create_ ? differences(*config, settings_) : "";
  if (!different.empty())
    say(log_, LogLevel::warning, [&] { return "the stream " + name + " is used as it is: " + different; });
  known_ = info->incarnation;
  return info;
}

}  // namespace tracking::jetstream
