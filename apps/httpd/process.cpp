#include "process.h"

#include <common/values.h>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <system_error>

namespace tracking::httpd {
namespace {

sigset_t stop_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);  // if it fails, the soft limit stays: fewer connections
  }
}

extern "C" void end_at_once(int) {
  constexpr char text[] = "tracking-httpd: stopped at once by a second signal\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(1);
}

}  // namespace

void prepare_process() noexcept {
  // An arena for each thread would cost private memory; the event loops allocate nothing in their hot path.
  mallopt(M_ARENA_MAX, 2);
  // Data is for us and our group. Files that hold accounts are nobody else's business.
  ::umask(0027);
  std::signal(SIGPIPE, SIG_IGN);
  const auto set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  raise_descriptor_limit();
}

int wait_for_stop(std::chrono::milliseconds timeout) noexcept {
  const auto set = stop_signals();
  timespec wait{};
  wait.tv_sec = static_cast<std::time_t>(timeout.count() / 1000);
  wait.tv_nsec = static_cast<long>(timeout.count() % 1000 * 1'000'000);
  const int signal = sigtimedwait(&set, nullptr, &wait);
  return signal > 0 ? signal : 0;
}

void stop_at_next_signal() noexcept {
  struct sigaction action {};
  action.sa_handler = end_at_once;
  const auto set = stop_signals();
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void notify_supervisor(std::string_view state) noexcept {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  const auto size = std::strlen(path);
  if (size >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, size);
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&address),
           length);
  ::close(socket);
}

std::chrono::milliseconds supervisor_patience() noexcept {
  const auto number = [](const char* name) {
    const char* const text = std::getenv(name);
    return text == nullptr ? std::nullopt : apps::parse_integer(text);
  };
  const auto microseconds = number("WATCHDOG_USEC");
  if (!microseconds || std::getenv("NOTIFY_SOCKET") == nullptr) return {};
  // A process that inherits the variables is not the one that is waited for.
  const auto process = number("WATCHDOG_PID");
  if (process && *process != static_cast<std::uint64_t>(::getpid())) return {};
  return std::chrono::milliseconds(*microseconds / 1000);
}

Status make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && ::access(path.c_str(), W_OK | X_OK) != 0) error.assign(errno, std::generic_category());
  if (!error) return {};
  return {Code::invalid_parameter,
          "the data directory " + path.string() + " (--data-dir) cannot be used: " + error.message()};
}

}  // namespace tracking::httpd
