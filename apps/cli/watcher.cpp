#include "watcher.h"

#include "exit_codes.h"
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace tracking::cli {
namespace {

constexpr std::size_t line_bytes_max = 64 << 10;

// In the background a terminal must not be read: the kernel would stop the program.
bool may_read_stdin() { return !is_terminal(STDIN_FILENO) || ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Watcher::Watcher(WatcherHandlers handlers) : handlers_(std::move(handlers)) {
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || stop_ < 0) throw std::system_error(errno, std::generic_category(), "cannot watch for signals");
  thread_ = std::thread([this] { run(); });
}

Watcher::~Watcher() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
  ::close(signals_);
}

void Watcher::run() {
  enum { stop, signals, out, in };
  bool reads_lines = static_cast<bool>(handlers_.line);
  bool watches_reader = static_cast<bool>(handlers_.reader_gone);
  for (;;) {
    const bool is_foreground = reads_lines && may_read_stdin();
    // A negative descriptor is ignored; stdout is asked for nothing but its errors.
    pollfd fds[] = {{stop_, POLLIN, 0},
                    {signals_, POLLIN, 0},
                    {watches_reader ? STDOUT_FILENO : -1, 0, 0},
                    {is_foreground ? STDIN_FILENO : -1, POLLIN, 0}};
    const int background_check_ms = 1'000;
    if (::poll(fds, 4, reads_lines && !is_foreground ? background_check_ms : -1) < 0 && errno != EINTR) return;
    if (fds[stop].revents) return;
    if (fds[signals].revents && read_signal()) handlers_.interrupted(SIGINT);
    if (fds[out].revents & (POLLERR | POLLNVAL)) {
      watches_reader = false;
      handlers_.reader_gone();
    }
    if (fds[in].revents) reads_lines = read_lines();
  }
}

// True for the first signal. With the second the user insists.
bool Watcher::read_signal() {
  signalfd_siginfo info;
  if (::read(signals_, &info, sizeof info) != sizeof info) return false;
  if (std::exchange(was_interrupted_, true)) ::_exit(exit_interrupted);
  return true;
}

// False: stdin has ended.
bool Watcher::read_lines() {
  char buffer[4'096];
  const auto size = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  for (const char c : std::string_view(buffer, static_cast<std::size_t>(size))) {
    if (c == '\n') {
      if (!drops_line_) handlers_.line(typed_);
      typed_.clear();
      drops_line_ = false;
    } else if (typed_.size() < line_bytes_max) {
      typed_.push_back(c);
    } else {
      drops_line_ = true;
    }
  }
  if (size == 0 && !typed_.empty() && !drops_line_) handlers_.line(typed_);
  return size > 0;
}

}  // namespace tracking::cli
