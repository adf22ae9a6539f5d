// tracking-httpd: reads its settings, then runs, or does the one thing that it was asked for.
#include "daemon.h"
#include "documentation.h"
#include "healthcheck.h"
#include "linked_backends.h"
#include "process.h"
#include "settings.h"

#include <tracking/version.h>

#include <cstdio>
#include <exception>
#include <string>

namespace {

int print(const std::string& text) {
  const bool is_written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return is_written ? 0 : 1;
}

int run(std::span<const char* const> arguments) {
  using namespace tracking;  // NOLINT(google-build-using-namespace): our own
  httpd::Settings settings;
  apps::OptionTable table(httpd::program_text());
  httpd::describe_settings(table, settings);
  auto status = httpd::read_settings(table, settings, arguments);

  // --help and --version answer whatever else is wrong.
  if (settings.shows_help) return print(table.help());
  if (settings.shows_version) return print("tracking-httpd " + std::string(version()) + "\n");
  if (!settings.document.empty()) return print(httpd::document(settings.document));
  if (!status) return table.report(status);
  if (settings.does_print_config) return print(table.print_config());
  if (settings.does_healthcheck) return httpd::run_healthcheck(settings);
  if (status = httpd::check_backends(settings); !status) return table.report(status);
  if (settings.does_check_config) return print("the configuration is valid\n");
  httpd::prepare_process();
  return httpd::run_daemon(settings);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({const_cast<const char* const*>(argv) + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tracking-httpd: %s\n", error.what());
    return 1;
  }
}
