// What the process asks of the system: signals, limits, its supervisor.
#pragma once

#include <tracking/status.h>

#include <chrono>
#include <filesystem>
#include <string_view>

namespace tracking::httpd {

/// To be called first, before any thread is made: allocator, umask, signals, descriptors. Threads made afterwards leave
/// SIGTERM and SIGINT to wait_for_stop().
void prepare_process() noexcept;

/// The signal that asks to stop, or 0 after `timeout`. Main thread only.
int wait_for_stop(std::chrono::milliseconds timeout) noexcept;

/// From now on a further SIGTERM or SIGINT ends the process at once, with exit code 1.
void stop_at_next_signal() noexcept;

/// Tells a supervisor that set NOTIFY_SOCKET (systemd): "READY=1", "WATCHDOG=1", "STOPPING=1". Does nothing without
/// one. It is one datagram to a unix socket, which is less than libsystemd would bring along.
void notify_supervisor(std::string_view state) noexcept;

/// How long the supervisor waits for the next "WATCHDOG=1" before it takes this process for dead; 0 = for ever.
std::chrono::milliseconds supervisor_patience() noexcept;

/// Makes the directory (mode 0750) unless there is one, and checks that files can be made in it.
Status make_directory(const std::filesystem::path& path);

}  // namespace tracking::httpd
