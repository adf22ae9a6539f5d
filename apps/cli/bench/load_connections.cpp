// LoadRun: its connections, and what comes on them.
#include "load_run.h"
#include "terminal.h"

#include <sys/epoll.h>

#include <cstring>
#include <utility>

namespace tracking::cli {
namespace {

constexpr std::int64_t pause_ns = 250'000'000;  // before connecting again
constexpr std::uint64_t tap_key = std::uint64_t{1} << 32;

}  // namespace

void LoadRun::watch(const LoadSocket& socket, std::uint64_t key, bool is_new, bool for_room) const {
  epoll_event event{.events = for_room ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.u64 = key}};
  ::epoll_ctl(epoll_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket.descriptor(), &event);
}

void LoadRun::connect(std::size_t index, std::int64_t now) {
  Sender& sender = senders_[index];
  sender.reader.clear();
  sender.rest.clear();
  sender.activity = Activity::connecting;
  sender.deadline_ns = now + settings_.timeout.count() * 1'000'000;
  if (const int error = sender.socket.connect(address_)) {
    sender.activity = Activity::closed;
    return could_not_connect(error, now, sender.deadline_ns);
  }
  watch(sender.socket, index, true, true);
}

void LoadRun::connect_tap(std::size_t index, std::int64_t now) {
  Tap& tap = taps_[index];
  tap.activity = Activity::connecting;
  tap.deadline_ns = now + settings_.timeout.count() * 1'000'000;
  if (const int error = tap.socket.connect(address_)) {
    tap.activity = Activity::closed;
    return could_not_connect(error, now, tap.deadline_ns);
  }
  watch(tap.socket, tap_key + index, true, true);
}

// Tries again after a pause, for as long as it takes: a server may start after its load.
void LoadRun::could_not_connect(int error, std::int64_t now, std::int64_t& deadline_ns) {
  deadline_ns = now + pause_ns;
  const std::string reason = "could not connect to " + settings_.url + ": " + std::strerror(error);
  if (!settings_.retries) {
    failure_ = {Code::could_not_connect, reason};
  } else if (!was_told_) {
    was_told_ = true;
    say(reason + ": trying again");
  }
}

void LoadRun::check_times(std::int64_t now) {
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    Sender& sender = senders_[i];
    if (sender.activity == Activity::idle || now < sender.deadline_ns) continue;
    if (sender.activity == Activity::closed) {
      connect(i, now);
    } else {
      drop(i, "timeout", now);
    }
  }
  for (std::size_t i = 0; i < taps_.size(); ++i) {
    if (taps_[i].activity == Activity::closed && now >= taps_[i].deadline_ns && phase_ == Phase::connecting) {
      connect_tap(i, now);
    }
  }
}

void LoadRun::handle(std::uint64_t key, std::uint32_t events) {
  if (key >= tap_key) return handle_tap(key - tap_key, events);
  handle_sender(key, events);
}

void LoadRun::handle_sender(std::size_t index, std::uint32_t events) {
  Sender& sender = senders_[index];
  if (sender.activity == Activity::connecting) {
    if (const int error = sender.socket.connect_error()) {
      sender.socket.close();
      sender.activity = Activity::closed;
      return could_not_connect(error, now_ns(), sender.deadline_ns);
    }
    watch(sender.socket, index, false, false);
    ++senders_ready_;
    return now_idle(index, now_ns());
  }
  if (events & EPOLLOUT) send_rest(index);
  if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && sender.socket.is_open()) receive(index);
}

void LoadRun::receive(std::size_t index) {
  Sender& sender = senders_[index];
  for (;;) {
    const auto received = sender.socket.receive(buffer_);
    if (received == 0) return;
    const std::int64_t now = now_ns();
    if (received < 0 || sender.activity != Activity::busy) return drop(index, "connection lost", now);
    const auto bytes = static_cast<std::size_t>(received);
    Answer answer;
    const Parsed parsed = sender.reader.read({buffer_.data(), bytes}, answer);
    if (parsed == Parsed::malformed) return drop(index, "not an HTTP answer", now);
    if (parsed == Parsed::done) return answered(index, answer, now);
    if (bytes < buffer_.size()) return;
  }
}

void LoadRun::send_rest(std::size_t index) {
  Sender& sender = senders_[index];
  if (!sender.waits_for_room) return;
  const auto sent = sender.socket.send(sender.rest);
  if (sent < 0) return drop(index, "connection lost", now_ns());
  sender.rest.erase(0, static_cast<std::size_t>(sent));
  if (!sender.rest.empty()) return;
  sender.waits_for_room = false;
  watch(sender.socket, index, false, false);
}

// The events under way are counted as failed, and the connection is made again.
void LoadRun::drop(std::size_t index, const char* reason, std::int64_t now) {
  Sender& sender = senders_[index];
  if (sender.activity == Activity::busy) {
    --senders_busy_;
    if (is_measured(sender.due_ns)) result_.errors[reason] += settings_.batch;
  }
  if (sender.activity != Activity::connecting) --senders_ready_;
  if (sender.activity == Activity::idle) std::erase(idle_, index);
  sender.waits_for_room = false;
  sender.socket.close();
  sender.activity = Activity::closed;
  sender.deadline_ns = now + pause_ns;
  // A server that only closes what it accepts is not asked again at once.
  if (std::exchange(sender.has_worked, false)) connect(index, now);
}

void LoadRun::now_idle(std::size_t index, std::int64_t now) {
  senders_[index].activity = Activity::idle;
  if (settings_.rate > 0) {
    idle_.push_back(index);
  } else if (is_sending()) {
    start(index, now, now);
  }
}

void LoadRun::handle_tap(std::size_t index, std::uint32_t events) {
  Tap& tap = taps_[index];
  if (tap.activity == Activity::connecting) {
    const int error = tap.socket.connect_error();
    const std::string request = maker_.subscribe_request();
    if (error != 0 || tap.socket.send(request) != static_cast<std::ptrdiff_t>(request.size())) {
      tap.socket.close();
      tap.activity = Activity::closed;
      return could_not_connect(error, now_ns(), tap.deadline_ns);
    }
    tap.activity = Activity::busy;
    return watch(tap.socket, tap_key + index, false, false);
  }
  if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
  const auto received = tap.socket.receive(buffer_);
  if (received == 0) return;
  const std::int64_t now = now_ns();
  if (received < 0) return drop_tap(tap, now);
  const auto state = tap.reader.read({buffer_.data(), static_cast<std::size_t>(received)},
                                     [&](std::string_view line) { delivered(line, now); });
  if (state == EventTap::State::ended) return drop_tap(tap, now);
  if (state == EventTap::State::live && tap.activity == Activity::busy) {
    tap.activity = Activity::idle;  // nothing is waited for any more
    ++taps_live_;
  }
}

// Before the load has begun it is tried again; later, what it does not get is counted.
void LoadRun::drop_tap(Tap& tap, std::int64_t now) {
  if (!tap.reader.refusal().empty()) failure_ = {Code::forbidden, tap.reader.refusal()};
  if (tap.activity == Activity::idle) {
    say("a stream ended");
    if (phase_ == Phase::connecting) --taps_live_;
  }
  tap.socket.close();
  tap.reader = EventTap();
  tap.activity = Activity::closed;
  tap.deadline_ns = now + pause_ns;
}

}  // namespace tracking::cli
