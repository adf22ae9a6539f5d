#include "postgres/watchdog.h"

#include <sys/socket.h>

#include <algorithm>

namespace tracking::postgres_accounts {

using Steady = std::chrono::steady_clock;

Watchdog::~Watchdog() {
  std::unique_lock lock(mutex_);
  is_stopping_ = true;
  changed_.notify_all();
  lock.unlock();
  if (thread_.joinable()) thread_.join();
}

Watchdog::Guard::Guard(Watchdog& watchdog, int socket, std::chrono::milliseconds limit)
    : watchdog_(watchdog), socket_(socket), deadline_(Steady::now() + limit) {
  std::lock_guard lock(watchdog_.mutex_);
  if (!watchdog_.thread_.joinable()) {
    watchdog_.wakes_at_ = deadline_;
    watchdog_.thread_ = std::thread([&watchdog] { watchdog.run(); });
  }
  watchdog_.guards_.push_back(this);
  // Calls follow one another with much the same limit: mostly it wakes early enough by itself.
  if (deadline_ < watchdog_.wakes_at_) watchdog_.changed_.notify_all();
}

Watchdog::Guard::~Guard() {
  std::lock_guard lock(watchdog_.mutex_);
  watchdog_.guards_.erase(std::find(watchdog_.guards_.begin(), watchdog_.guards_.end(), this));
}

bool Watchdog::Guard::is_overdue() const {
  std::lock_guard lock(watchdog_.mutex_);
  return is_overdue_;
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    const Steady::time_point now = Steady::now();
    wakes_at_ = Steady::time_point::max();
    for (Guard* guard : guards_) {
      if (guard->is_overdue_) continue;
      if (guard->deadline_ > now) {
        wakes_at_ = std::min(wakes_at_, guard->deadline_);
        continue;
      }
      guard->is_overdue_ = true;
      // With the lock held: a guard that is gone has its socket no more, and the number may be another's by now.
      ::shutdown(guard->socket_, SHUT_RDWR);
    }
    if (wakes_at_ == Steady::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, wakes_at_);
    }
  }
}

}  // namespace tracking::postgres_accounts
