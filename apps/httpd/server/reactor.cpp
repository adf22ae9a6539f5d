#include "server/reactor.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <system_error>

namespace tracking::httpd {
namespace {

/// The reactor that this thread dispatches.
thread_local const Reactor* dispatched = nullptr;

FileDescriptor made(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  return FileDescriptor(descriptor);
}

}  // namespace

Reactor::Reactor()
    : epoll_(made(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      alarm_(made(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      timer_(made(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")) {
  // The alarm is never read: each write is an edge.
  for (FileDescriptor* own : {&alarm_, &timer_}) {
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = own}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, own->get(), &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
  }
}

void Reactor::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    // Whoever posted the first one has seen to it that they are run.
    if (tasks_.size() > 1) return;
  }
  if (dispatched == this) {
    has_own_tasks_ = true;
    return;
  }
  const std::uint64_t one = 1;
  (void)!::write(alarm_.get(), &one, sizeof one);
}

bool Reactor::watch(int descriptor, Watcher& watcher, std::uint32_t events) noexcept {
  epoll_event event{.events = events, .data = {.ptr = &watcher}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool Reactor::watch_for(int descriptor, Watcher& watcher, std::uint32_t events) noexcept {
  epoll_event event{.events = events, .data = {.ptr = &watcher}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0;
}

void Reactor::set_tick(std::chrono::milliseconds tick) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(tick);
  const timespec time{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(tick - seconds).count()};
  const itimerspec setting{.it_interval = time, .it_value = time};
  timerfd_settime(timer_.get(), 0, &setting, nullptr);
}

void Reactor::wait(bool may_block) noexcept {
  event_count_ = epoll_wait(epoll_.get(), events_.data(), events_max, may_block && !has_own_tasks_ ? -1 : 0);
}

bool Reactor::dispatch() noexcept {
  dispatched = this;
  bool has_ticked = false;
  bool has_tasks = false;
  for (int i = 0; i < event_count_; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &alarm_) {
      has_tasks = true;
    } else if (event.data.ptr == &timer_) {
      std::uint64_t ticks = 0;  // read, so that the timer goes on
      has_ticked = ::read(timer_.get(), &ticks, sizeof ticks) > 0;
    } else {
      static_cast<Watcher*>(event.data.ptr)->ready(event.events);
    }
  }
  event_count_ = 0;
  if (has_tasks || has_own_tasks_) run_tasks();
  return has_ticked;
}

/// What they post waits for the next round.
void Reactor::run_tasks() noexcept {
  has_own_tasks_ = false;
  {
    const std::lock_guard lock(mutex_);
    running_.swap(tasks_);
  }
  for (const auto& task : running_) task();
  running_.clear();
}

}  // namespace tracking::httpd
