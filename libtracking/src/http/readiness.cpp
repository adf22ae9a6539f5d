#include "http/readiness.h"

#include "codec/no_memory.h"
#include "http/answers.h"

namespace tracking::remote {
namespace {

constexpr auto interval = std::chrono::seconds(1);

Status status_of(const Address& address, const Answer& answer) {
  if (answer.reach == Reach::no_connection) {
    return {Code::could_not_connect, "could not connect to " + address.url() + " (" + answer.reason + ")"};
  }
  if (answer.reach != Reach::answered) {
    return {Code::broker_unavailable, address.url() + " does not answer (" + answer.reason + ")"};
  }
  return {};
}

}  // namespace

ReadinessMonitor::ReadinessMonitor(const Endpoint& endpoint)
    : address_(endpoint.events),
      latest_{{Code::not_ready, "the server was not contacted yet"},
              {Code::not_ready, "the server was not contacted yet"}},
      connection_(endpoint.events,
                  {.connect_timeout = endpoint.connect_timeout, .read_timeout = std::chrono::seconds(5)},
                  [this] { return is_running(); }) {}

ReadinessMonitor::~ReadinessMonitor() { stop(); }

bool ReadinessMonitor::is_running() {
  const std::lock_guard lock(mutex_);
  return !is_stopping_;
}

void ReadinessMonitor::stop() noexcept {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    thread = std::move(thread_);
  }
  stopping_.notify_all();
  connection_.interrupt();
  if (thread.joinable()) thread.join();
}

Readiness ReadinessMonitor::latest() {
  const std::lock_guard lock(mutex_);
  if (!is_started_ && !is_stopping_) {
    thread_ = std::thread([this] { run(); });
    is_started_ = true;
  }
  return latest_;
}

void ReadinessMonitor::set(const Status& status) {
  const std::lock_guard lock(mutex_);
  latest_ = {.accounts = status, .broker = status};
}

void ReadinessMonitor::note(const Answer& answer) { set(status_of(address_, answer)); }

void ReadinessMonitor::ask() {
  const Answer answer = connection_.exchange({.path = "/readyz"});
  if (answer.reach == Reach::answered && answer.status != 200) {
    set({Code::not_ready, address_.url() + ": " + parse_problem(answer).text()});
  } else {
    note(answer);
  }
}

void ReadinessMonitor::run() {
  while (is_running()) {
    has_memory_for([this] { ask(); });  // if not, the next time
    std::unique_lock lock(mutex_);
    stopping_.wait_for(lock, interval, [this] { return is_stopping_; });
  }
}

}  // namespace tracking::remote
