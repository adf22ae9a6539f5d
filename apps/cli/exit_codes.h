// What the program's exit code says; docs/CLI.md.
#pragma once

namespace tracking::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_could_not_connect = 3;  ///< only with --no-retry
inline constexpr int exit_timed_out = 124;        ///< --for ran out before --count, as timeout(1) says it
inline constexpr int exit_interrupted = 130;      ///< as shells say of SIGINT

}  // namespace tracking::cli
