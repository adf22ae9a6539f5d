// tracking-cli verify: sends, subscribes, and compares.
#include "connection_options.h"
#include "exit_codes.h"
#include "terminal.h"
#include "verify_receiver.h"
#include "verify_report.h"
#include "verify_sender.h"
#include "watcher.h"

#include <algorithm>
#include <atomic>

namespace tracking::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto look_interval = std::chrono::milliseconds(200);

// One run of the verb.
class Verify {
 public:
  explicit Verify(const VerifySettings& settings) : settings_(settings) {}
  int run();

 private:
  Status open();
  Status wait_until_heard();
  void send();
  void receive();
  void tell_end();
  void show_progress_of();
  int finish();
  bool is_over() const { return is_interrupted_ || has_failed_; }
  void fail(const Status& status);

  const VerifySettings settings_;
  const Clock::time_point started_ = Clock::now();
  std::unique_ptr<VerifyReceiver> receiver_;  // outlives the sender, whose last events it counts
  std::unique_ptr<VerifySender> sender_;
  VerifyReport report_;
  int exit_code_ = exit_done;  // if it failed before there was anything to compare
  bool has_failed_ = false;
  bool has_time_run_out_ = false;
  std::atomic<VerifySender*> running_{nullptr};  // what a signal stops
  std::atomic<bool> is_interrupted_{false};
};

int Verify::run() {
  // The watcher comes before all other threads, so that they do not get the signals.
  const Watcher watcher({.interrupted = [this](int) {
    is_interrupted_ = true;
    if (VerifySender* sender = running_) sender->stop();
  }});
  if (const Status status = open(); !status) {
    say_failure(status);
    return exit_code_of_opening(status);
  }
  if (sender_ && receiver_) {
    if (const Status status = wait_until_heard(); !status) fail(status);
  }
  if (sender_ && !is_over()) send();
  if (receiver_ && !is_over()) receive();
  return finish();
}

Status Verify::open() {
  say("run " + settings_.run);
  if (settings_.receives) {
    auto receiver = VerifyReceiver::open(settings_);
    if (!receiver) return receiver.error();
    receiver_ = std::move(*receiver);
  }
  if (settings_.sends) {
    auto sender = VerifySender::open(settings_);
    if (!sender) return sender.error();
    sender_ = std::move(*sender);
    running_ = sender_.get();
    if (is_interrupted_) sender_->stop();  // the signal came before
  }
  return {};
}

// A subscription is opened in the background: counting begins when it is seen to deliver.
Status Verify::wait_until_heard() {
  const auto deadline = Clock::now() + settings_.track.retry_time;
  while (!is_over()) {
    if (auto status = sender_->say_hello(); !status) return status;
    if (receiver_->wait_hellos(look_interval)) return receiver_->state().status;
    if (Clock::now() >= deadline) {
      return {Code::timed_out, "what " + settings_.track.url + " accepts does not arrive from " + settings_.from +
                                   ": are they of one system?"};
    }
  }
  return {};
}

void Verify::send() {
  sender_->start();
  while (!sender_->wait(look_interval)) show_progress_of();
  report_.seconds = sender_->seconds();
  if (const Status status = sender_->failure(); !status) {
    report_.failure = status.message();
    if (status.code() == Code::could_not_connect && !settings_.track.retries) exit_code_ = exit_could_not_connect;
  }
  tell_end();
}

void Verify::show_progress_of() {
  std::string text = std::to_string(sender_->counts().accepted) + " accepted";
  if (receiver_) text += ", " + std::to_string(receiver_->state().counts.received) + " received";
  show_progress(text);
}

// To the receiver in this process, or by events to that in another.
void Verify::tell_end() {
  if (!receiver_) {
    if (is_over() || !report_.failure.empty()) return;
    if (const Status status = sender_->say_end(); !status) fail(status);
    return;
  }
  for (std::uint32_t lane = 0; lane < settings_.connections; ++lane) {
    for (const AccountId account_id : settings_.accounts) {
      const VerifyStream stream{lane, account_id};
      receiver_->expect(stream, sender_->accepted(stream));
    }
  }
}

// Until all has come, nothing more can, or nothing did for so long that nothing will.
void Verify::receive() {
  auto since = Clock::now();
  while (!is_over()) {
    const auto state = receiver_->state();
    if (state.is_complete) return;
    if (state.has_ended) {
      if (!state.status) fail(state.status);
      return;
    }
    since = std::max(since, state.progressed);
    const auto now = Clock::now();
    if (state.has_any_end && now >= since + settings_.settle_time) return;
    if (!sender_ && settings_.time_max && now >= started_ + *settings_.time_max) {
      has_time_run_out_ = !state.has_any_end;
      return;
    }
    receiver_->wait_change(look_interval);
  }
}

void Verify::fail(const Status& status) {
  has_failed_ = true;
  report_.failure = status.message();
  exit_code_ =
      status.code() == Code::could_not_connect && !settings_.track.retries ? exit_could_not_connect : exit_failed;
}

int Verify::finish() {
  if (sender_) report_.sent = sender_->counts();
  if (receiver_) {
    const auto state = receiver_->state();
    report_.received = state.counts;
    report_.knows_the_end = state.has_any_end;
  }
  const bool is_well = is_good(report_, settings_);
  const Written written = write_stdout(settings_.is_json ? to_json(report_, settings_) : to_text(report_, settings_));
  if (is_interrupted_) return exit_interrupted;
  if (exit_code_ != exit_done) return exit_code_;
  if (has_time_run_out_) return exit_timed_out;
  return is_well && written != Written::failed ? exit_done : exit_failed;
}

}  // namespace

int run_verify(Arguments arguments) {
  VerifySettings settings;
  if (const auto code = read_verify_options(arguments, settings)) return *code;
  return Verify(settings).run();
}

}  // namespace tracking::cli
