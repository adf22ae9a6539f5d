// tracking-cli: finds the verb and runs it.
#include "documentation.h"
#include "exit_codes.h"
#include "terminal.h"
#include "verb.h"

#include <tracking/version.h>

#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace tracking::cli {
namespace {

constexpr Verb verbs[] = {
    {"subscribe", "sub", "show events as they come, and what was missed", run_subscribe, describe_subscribe},
    {"track", "", "send an event, or many from stdin", run_track, describe_track},
    {"verify", "", "send and receive numbered events, and count what is lost, repeated or reordered", run_verify,
     describe_verify},
    {"bench", "", "put a server under load, and measure", run_bench, describe_bench},
    {"accounts", "", "list, add, show, change and remove accounts", run_accounts, describe_accounts},
};

const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : verbs) {
    if (name == verb.name || (!name.empty() && name == verb.alias)) return &verb;
  }
  return nullptr;
}

std::string help() {
  std::string text =
      "tracking-cli: talk to a tracking server\n\n"
      "Usage: tracking-cli VERB [options]\n\n"
      "Verbs:\n";
  for (const Verb& verb : verbs) {
    std::string names = verb.name;
    if (*verb.alias) names.append(", ").append(verb.alias);
    names.resize(16, ' ');
    text.append("  ").append(names).append(verb.summary).append("\n");
  }
  text +=
      "\n"
      "tracking-cli help VERB, or VERB --help, tells the options and shows examples.\n"
      "tracking-cli --version tells the version.\n\n"
      "Try it:\n"
      "  tracking-httpd --demo &\n"
      "  tracking-cli subscribe -a 1\n"
      "  tracking-cli track -a 1 '\"foo\"'\n";
  return text;
}

int unknown_verb(std::string_view name) {
  say("there is no verb " + printable(name) + ": there are subscribe, track, verify, bench, accounts and help");
  return exit_usage;
}

int run(std::vector<const char*> arguments) {
  if (arguments.empty()) {
    print_error(help());
    return exit_usage;
  }
  const std::string_view first = arguments.front();
  if (first == "--version" || first == "version") return print("tracking-cli " + std::string(version()) + "\n");
  if (first == "--documentation" && arguments.size() == 2) return print_documentation(arguments[1], verbs);
  if (first == "help" && arguments.size() > 1) {
    const Verb* verb = find_verb(arguments[1]);
    const char* const help_flag[] = {"--help"};
    return verb ? verb->run(Arguments(help_flag, 1)) : unknown_verb(arguments[1]);
  }
  if (first == "help" || first == "--help" || first == "-h") return print(help());
  const Verb* verb = find_verb(first);
  return verb ? verb->run(Arguments(arguments).subspan(1)) : unknown_verb(first);
}

}  // namespace
}  // namespace tracking::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write()
  // Verbs that have something to finish watch for it themselves.
  std::signal(SIGINT, [](int) { ::_exit(tracking::cli::exit_interrupted); });
  try {
    return tracking::cli::run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& error) {
    tracking::cli::say(error.what());
    return tracking::cli::exit_failed;
  }
}
