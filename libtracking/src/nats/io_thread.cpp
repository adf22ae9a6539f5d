#include "nats/io_thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

namespace tracking::nats_io {
namespace {

enum : std::uint64_t { signal_key, socket_key };

}  // namespace

IoThread::IoThread(Traffic& traffic, std::function<void()> on_lost)
    : traffic_(traffic),
      on_lost_(std::move(on_lost)),
      poller_(::epoll_create1(EPOLL_CLOEXEC)),
      signal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (poller_ < 0 || signal_ < 0) {
    ::close(poller_);
    ::close(signal_);
    throw std::runtime_error("no descriptors left for a NATS connection");
  }
  // Edge-triggered: the counter is never read, which saves a call for each wake.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = signal_key}};
  ::epoll_ctl(poller_, EPOLL_CTL_ADD, signal_, &event);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    ::close(poller_);
    ::close(signal_);
    throw;
  }
}

IoThread::~IoThread() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake();
  thread_.join();
  ::close(poller_);
  ::close(signal_);
}

void IoThread::attach(std::shared_ptr<Link> link) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(link);
  }
  wake();
}

void IoThread::detach() {
  std::unique_lock lock(mutex_);
  wanted_ = nullptr;
  wake();
  round_began_.wait(lock, [this] { return !serving_; });
}

bool IoThread::wait_round(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  const auto ticket = ++rounds_wanted_;
  wake();
  return round_began_.wait_for(lock, time, [&] { return rounds_begun_ >= ticket; });
}

void IoThread::wake() noexcept {
  if (is_awake_.exchange(true)) return;
  const std::uint64_t one = 1;
  // It fails only if the counter is full, and then the thread has been woken.
  [[maybe_unused]] const auto written = ::write(signal_, &one, sizeof one);
}

void IoThread::run() {
  // A batch thread that is woken does not preempt the thread that woke it: an event loop goes on publishing, and what
  // it publishes until it sleeps, or its time is up, is one send().
  const sched_param parameter{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &parameter);
  while (!is_stopped()) {
    if (serving_) serve();
    wait();
  }
}

bool IoThread::has_news() {
  const std::lock_guard lock(mutex_);
  return is_stopping_ || serving_ != wanted_ || rounds_begun_ != rounds_wanted_;
}

bool IoThread::has_output() {
  return serving_ && !serving_->is_lost() && is_writable_ && (serving_->has_unsent() || traffic_.has_output());
}

// Takes over what the keeper wants served.
bool IoThread::is_stopped() {
  const std::lock_guard lock(mutex_);
  if (serving_ != wanted_) {
    serving_ = wanted_;
    is_lost_told_ = is_readable_ = watches_writable_ = false;
    is_writable_ = true;
    if (serving_) {
      epoll_event event{.events = EPOLLIN, .data = {.u64 = socket_key}};
      // Closing a descriptor takes it out of the poller.
      ::epoll_ctl(poller_, EPOLL_CTL_ADD, serving_->descriptor(), &event);
    }
    round_began_.notify_all();
  }
  if (std::exchange(rounds_begun_, rounds_wanted_) != rounds_wanted_) round_began_.notify_all();
  return is_stopping_;
}

void IoThread::serve() {
  Link& link = *serving_;
  if (is_readable_ && !link.is_lost()) {
    link.process_read();
    traffic_.read_input(link);
  }
  if (is_writable_ && !link.is_lost()) {
    if (!link.has_unsent() && traffic_.has_output()) traffic_.write_output(link);
    if (link.has_unsent()) {
      link.process_write();
      is_writable_ = !link.has_unsent();
    }
  }
  if (!link.is_lost()) return watch_socket();
  if (std::exchange(is_lost_told_, true)) return;
  traffic_.link_lost();
  on_lost_();
}

void IoThread::watch_socket() {
  if (watches_writable_ == !is_writable_) return;
  watches_writable_ = !is_writable_;
  epoll_event event{.events = EPOLLIN, .data = {.u64 = socket_key}};
  if (watches_writable_) event.events |= EPOLLOUT;
  ::epoll_ctl(poller_, EPOLL_CTL_MOD, serving_->descriptor(), &event);
}

void IoThread::wait() {
  is_awake_ = false;
  // Whoever brings something after this look finds is_awake_ false, and signals.
  const bool has_work = has_news() || has_output();
  std::array<epoll_event, 2> events;
  const int count = ::epoll_wait(poller_, events.data(), events.size(), has_work ? 0 : -1);
  is_awake_ = true;
  is_readable_ = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 != socket_key) continue;
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
    if ((event.events & EPOLLOUT) != 0) is_writable_ = true;
  }
}

}  // namespace tracking::nats_io
