#include "load_run.h"

#include "terminal.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

namespace tracking::cli {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t tick_ns = 50 * millisecond;
constexpr std::int64_t progress_ns = 500 * millisecond;
constexpr std::int64_t drain_patience_ns = 2'000 * millisecond;  // without any delivery
// A sleep ends so much too late, which would count as latency (measured with the finest timers on a virtual machine,
// where it also costs so much of the core's time), and begins so much shorter. What is left is spent awake; no more
// than that, as whoever shares the core with us may be what is measured.
constexpr std::int64_t sleep_late_ns = 20'000;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

LoadRun::LoadRun(const BenchSettings& settings)
    : settings_(settings),
      maker_(settings),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(buffer_bytes),
      senders_(settings.connections),
      taps_(settings.subscribers),
      last_deliveries_(settings.subscribers * settings.batch) {}

LoadRun::~LoadRun() {
  ::close(epoll_);
  ::close(interrupt_);
}

void LoadRun::interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(interrupt_, &one, sizeof one);
}

Status LoadRun::run() {
  if (auto status = set_up(); !status) return status;
  while (phase_ != Phase::done && failure_.is_ok()) {
    const std::int64_t now = now_ns();
    move_on(now);
    if (now >= next_tick_ns_) tick(now);
    if (is_sending() && settings_.rate > 0) start_due(now);
    if (phase_ != Phase::done) wait(now);
  }
  if (!failure_) return failure_;
  finish_result();
  return {};
}

Status LoadRun::set_up() {
  raise_descriptor_limit();
  ::prctl(PR_SET_TIMERSLACK, 1);
  auto address = resolve(settings_.host, settings_.port);
  if (!address) return address.error();
  address_ = *address;
  epoll_event event{.events = EPOLLIN, .data = {.u64 = UINT64_MAX}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, interrupt_, &event) != 0) return {Code::internal, "epoll does not work here"};
  const std::int64_t now = now_ns();
  for (std::size_t i = 0; i < taps_.size(); ++i) connect_tap(i, now);
  for (std::size_t i = 0; i < senders_.size(); ++i) connect(i, now);
  return {};
}

void LoadRun::begin(Phase phase, std::int64_t now) {
  phase_ = phase;
  switch (phase) {
    case Phase::warming:
      phase_ends_ns_ = now + settings_.warm_up.count() * millisecond;
      schedule_from_ns_ = now;
      // Closed loop: from now on every answer is followed by the next request.
      for (std::size_t i = 0; settings_.rate == 0 && i < senders_.size(); ++i) start(i, now, now);
      break;
    case Phase::measuring:
      phase_ends_ns_ = now + settings_.time.count() * millisecond;
      measured_from_ns_ = now;
      measured_to_ns_ = phase_ends_ns_;
      cpu_from_ = cpu_seconds();
      result_.errors.clear();  // of the warm-up
      break;
    case Phase::draining:
      measured_to_ns_ = std::min(now, measured_to_ns_);
      result_.seconds = static_cast<double>(measured_to_ns_ - measured_from_ns_) * 1e-9;
      result_.cpu_seconds = cpu_seconds() - cpu_from_;
      phase_ends_ns_ = now + settings_.timeout.count() * millisecond;
      drain_idle_since_ns_ = now;
      for (; settings_.rate > 0 && next_due_ns() < measured_to_ns_; ++scheduled_) result_.unsent += settings_.batch;
      break;
    default:
      break;
  }
}

void LoadRun::move_on(std::int64_t now) {
  if (phase_ == Phase::connecting && senders_ready_ == senders_.size() && taps_live_ == taps_.size()) {
    begin(Phase::warming, now);
  }
  if (phase_ == Phase::warming && now >= phase_ends_ns_) begin(Phase::measuring, now);
  if (phase_ == Phase::measuring && (now >= phase_ends_ns_ || result_.is_interrupted)) begin(Phase::draining, now);
  if (phase_ == Phase::draining && is_drained(now)) phase_ = Phase::done;
  if (result_.is_interrupted && phase_ < Phase::measuring) failure_ = {Code::closed, "interrupted before measuring"};
}

// Nothing is under way, and every subscriber has all, or nothing came for a while.
bool LoadRun::is_drained(std::int64_t now) {
  if (now >= phase_ends_ns_) return true;
  if (senders_busy_ > 0) return false;
  const std::uint64_t expected = accepted_total_ * taps_.size();
  if (result_.delivered >= expected) return true;
  if (result_.delivered != progress_seen_) {
    progress_seen_ = result_.delivered;
    drain_idle_since_ns_ = now;
  }
  return now - drain_idle_since_ns_ >= drain_patience_ns;
}

void LoadRun::tick(std::int64_t now) {
  next_tick_ns_ = now + tick_ns;
  check_times(now);
  if (now < next_progress_ns_) return;
  next_progress_ns_ = now + progress_ns;
  constexpr std::array names{"connecting", "warming up", "measuring", "waiting for the rest", "done"};
  const double elapsed = static_cast<double>(now - measured_from_ns_) * 1e-9;
  std::string text = names[static_cast<std::size_t>(phase_)];
  if (phase_ == Phase::measuring) {
    text += ": " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(result_.accepted) / elapsed)) +
            " events a second, p99 " + std::to_string(result_.latency.percentile(0.99) / 1'000) + " us, " +
            std::to_string(result_.error_events()) + " errors";
  }
  show_progress(text);
}

std::int64_t LoadRun::wait_ns(std::int64_t now) const {
  std::int64_t until = next_tick_ns_;
  if (phase_ == Phase::warming || phase_ == Phase::measuring) until = std::min(until, phase_ends_ns_);
  if (is_sending() && settings_.rate > 0 && !idle_.empty()) until = std::min(until, next_due_ns());
  return std::max<std::int64_t>(0, until - now);
}

void LoadRun::wait(std::int64_t now) {
  constexpr int events_max = 512;
  static thread_local std::array<epoll_event, events_max> events;
  const std::int64_t wait = std::max<std::int64_t>(0, wait_ns(now) - sleep_late_ns);
  const timespec time{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
  const int count = ::epoll_pwait2(epoll_, events.data(), events_max, &time, nullptr);
  if (count < 0 && errno == ENOSYS) failure_ = {Code::unsupported, "this kernel has no epoll_pwait2 (Linux 5.11)"};
  for (int i = 0; i < count; ++i) {
    if (events[static_cast<std::size_t>(i)].data.u64 == UINT64_MAX) {
      result_.is_interrupted = true;
      std::uint64_t ignored = 0;
      [[maybe_unused]] const auto taken = ::read(interrupt_, &ignored, sizeof ignored);
      continue;
    }
    handle(events[static_cast<std::size_t>(i)].data.u64, events[static_cast<std::size_t>(i)].events);
  }
}

void LoadRun::finish_result() {
  const std::uint64_t expected = accepted_total_ * taps_.size();
  result_.undelivered = expected > result_.delivered ? expected - result_.delivered : 0;
  for (const Tap& tap : taps_) result_.gaps += tap.reader.gaps();
}

}  // namespace tracking::cli
