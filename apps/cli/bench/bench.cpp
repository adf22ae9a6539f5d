// tracking-cli bench: a load generator.
#include "bench_report.h"
#include "connection_options.h"
#include "exit_codes.h"
#include "load_run.h"
#include "terminal.h"
#include "watcher.h"

#include <memory>

namespace tracking::cli {

int run_bench(Arguments arguments) {
  BenchSettings settings;
  if (const auto code = read_bench_options(arguments, settings)) return *code;
  LoadRun run(settings);
  const Watcher watcher({.interrupted = [&run](int) { run.interrupt(); }});
  const Status status = run.run();
  const LoadResult& result = run.result();
  if (!status) {
    say_failure(status);
    if (result.is_interrupted) return exit_interrupted;
    return status.code() == Code::could_not_connect && !settings.retries ? exit_could_not_connect : exit_failed;
  }
  const Written written = write_stdout(settings.is_json ? to_json(result, settings) : to_text(result, settings));
  if (result.is_interrupted) return exit_interrupted;
  return is_good(result) && written != Written::failed ? exit_done : exit_failed;
}

}  // namespace tracking::cli
