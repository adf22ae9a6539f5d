// tracking-cli subscribe: shows events as they come.
#include "account_choice.h"
#include "connection_options.h"
#include "cursor_file.h"
#include "exit_codes.h"
#include "subscribe_options.h"
#include "watcher.h"

#include <tracking/subscriber.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace tracking::cli {
namespace {

std::string counted(std::uint64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string describe(const Gap& gap) {
  std::string text = "gap: " + printable(gap.reason);
  if (gap.missed) text += ", " + counted(*gap.missed, "event") + " missed";
  if (gap.account_id) text += " of account " + std::to_string(*gap.account_id);
  return text;
}

// One run of the verb.
class Subscribe {
 public:
  explicit Subscribe(const SubscribeSettings& settings)
      : settings_(settings),
        choice_(settings.accounts, settings.excluded),
        printer_(settings.format, wants_color(STDOUT_FILENO, settings.color), is_terminal(STDOUT_FILENO)) {
    if (!settings.cursor_file.empty()) cursor_file_.emplace(settings.cursor_file);
  }

  int run();

 private:
  Status open();
  Status start_at_cursor_file(SubscribeOptions& options);
  int read_all();
  void show(const Deliveries& deliveries);
  bool show_one(const DeliveryView& delivery);
  void change(std::string_view line);
  bool is_counted_out() const { return settings_.count > 0 && events_ >= settings_.count; }
  bool reads_lines() const { return settings_.has_control || is_terminal(STDIN_FILENO); }
  std::chrono::nanoseconds time_left() const;
  int exit_code();

  const SubscribeSettings settings_;
  std::mutex mutex_;
  AccountChoice choice_;  // guarded by mutex_
  Printer printer_;
  std::optional<CursorFile> cursor_file_;
  std::unique_ptr<Subscriber> subscriber_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::uint64_t events_ = 0;
  std::uint64_t gaps_ = 0;
  Written output_ = Written::ok;
  std::atomic<bool> is_interrupted_{false};
  std::atomic<bool> has_no_reader_{false};
};

int Subscribe::run() {
  if (choice_.is_nothing()) {
    say("--exclude leaves no account of those that --account names");
    return exit_usage;
  }
  // The watcher comes before the subscription's threads, so that they do not get the signals.
  std::mutex ready;
  std::unique_lock not_ready(ready);  // handlers wait until there is a subscriber to act on
  WatcherHandlers handlers{.interrupted = [&](int) {
    is_interrupted_ = true;
    const std::lock_guard lock(ready);
    if (subscriber_) subscriber_->close();
  }};
  handlers.reader_gone = [&] {
    has_no_reader_ = true;
    const std::lock_guard lock(ready);
    if (subscriber_) subscriber_->close();
  };
  if (reads_lines()) {
    handlers.line = [&](std::string_view line) {
      const std::lock_guard lock(ready);
      if (subscriber_) change(line);
    };
  }
  const Watcher watcher(std::move(handlers));
  const Status status = open();
  not_ready.unlock();
  if (!status) {
    say_failure(status);
    return exit_code_of_opening(status);
  }
  return read_all();
}

Status Subscribe::start_at_cursor_file(SubscribeOptions& options) {
  if (!cursor_file_) return {};
  if (auto status = cursor_file_->check_writable(); !status) return status;
  const auto cursor = cursor_file_->load();
  if (!cursor && cursor.code() != Code::invalid_parameter) return cursor.error();
  if (!cursor) {
    say(printable(cursor.error().message()) + ": it is ignored, and overwritten with the first event");
  } else if (!cursor->empty()) {
    options.since = *cursor;
    options.tail.reset();
  }
  return {};
}

Status Subscribe::open() {
  SubscribeOptions options{.account_ids = choice_.to_ask_for(),
                           .since = settings_.since,
                           .tail = settings_.tail,
                           .follow = settings_.follows};
  // Excluded accounts are left out here, where the subscription does not see it: then the count is ours alone.
  if (settings_.excluded.empty()) options.limit = settings_.count;
  if (auto status = start_at_cursor_file(options); !status) return status;
  auto context = connect_to(settings_.url, settings_.retries);
  if (!context) return context.error();
  context->log = [](LogLevel, std::string_view message) { say(printable(message)); };
  auto subscriber =
      Subscriber::adopt([&](Wake wake) { return backends().open_subscription(*context, options, std::move(wake)); });
  if (!subscriber) return subscriber.error();
  subscriber_ = std::move(*subscriber);
  return {};
}

std::chrono::nanoseconds Subscribe::time_left() const {
  if (!settings_.time_max) return std::chrono::hours(1);
  const auto left = started_ + *settings_.time_max - std::chrono::steady_clock::now();
  return std::max<std::chrono::nanoseconds>(left, std::chrono::nanoseconds(0));
}

int Subscribe::read_all() {
  while (!is_counted_out() && output_ == Written::ok && !subscriber_->is_ended()) {
    const auto left = time_left();
    if (left.count() == 0) break;
    subscriber_->next_batch(left, [this](const Deliveries& deliveries) { show(deliveries); });
    if (cursor_file_) cursor_file_->flush();
  }
  return exit_code();
}

void Subscribe::show(const Deliveries& deliveries) {
  for (const DeliveryView& delivery : deliveries) {
    if (is_interrupted_ || has_no_reader_ || is_counted_out()) return;
    if (!show_one(delivery)) return;
    if (cursor_file_) cursor_file_->note(cursor_text(delivery));
  }
}

bool Subscribe::show_one(const DeliveryView& delivery) {
  if (delivery.gap) {
    ++gaps_;
    say(describe(*delivery.gap));
    output_ = printer_.gap(*delivery.gap);
    return output_ == Written::ok;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!choice_.wants(delivery.account_id)) return true;
  }
  output_ = printer_.event(delivery.json);
  if (output_ != Written::ok) return false;
  ++events_;
  return true;
}

void Subscribe::change(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  AccountChoice changed = choice_;  // only this thread changes it
  Status status = changed.apply(line);
  if (status) status = subscriber_->set_accounts(changed.to_ask_for());
  if (!status) {
    say(status.message());
    return;
  }
  say("showing " + changed.text());
  const std::lock_guard lock(mutex_);
  choice_ = std::move(changed);
}

int Subscribe::exit_code() {
  const std::string summary = counted(events_, "event") + ", " + counted(gaps_, "gap");
  if (output_ == Written::failed) return exit_failed;
  if (output_ == Written::reader_gone || has_no_reader_) return exit_done;
  if (is_interrupted_) {
    say("interrupted after " + summary);
    return exit_interrupted;
  }
  if (is_counted_out()) return exit_done;
  if (subscriber_->is_ended()) {
    const Status status = subscriber_->status();
    if (status) return exit_done;  // the end of history
    say_failure(status);
    return status.code() == Code::could_not_connect ? exit_could_not_connect : exit_failed;
  }
  if (settings_.count == 0) return exit_done;
  say("--for ran out before --count: " + summary);
  return exit_timed_out;
}

}  // namespace

int run_subscribe(Arguments arguments) {
  SubscribeSettings settings;
  if (const auto code = read_subscribe_options(arguments, settings)) return *code;
  return Subscribe(settings).run();
}

}  // namespace tracking::cli
