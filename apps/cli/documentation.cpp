#include "documentation.h"

#include "common/completion.h"
#include "common/man_page.h"
#include "common/options.h"
#include "exit_codes.h"
#include "terminal.h"

namespace tracking::cli {
namespace {

constexpr const char* program = "tracking-cli";

std::string page_name(const Verb& verb) { return std::string(program) + "-" + verb.name; }

std::string program_page(std::span<const Verb> verbs) {
  const apps::OptionTable table(
      {.program = program,
       .usage = "VERB [options]",
       .summary =
           "Sends events to a tracking server, shows them as they come, manages its accounts, and puts it to the\n"
           "test. Each verb has a page of its own, and tells its options with --help.",
       .epilogue = "Examples:\n"
                   "  tracking-httpd --demo &\n"
                   "  tracking-cli subscribe -a 1\n"
                   "  tracking-cli track -a 1 '\"foo\"'\n"});
  apps::ManPage page{.name = program, .section = "1", .summary = "talk to a tracking server"};
  for (const Verb& verb : verbs) {
    page.verbs.emplace_back(std::string(verb.name) + (*verb.alias ? std::string(", ") + verb.alias : ""),
                            std::string(verb.summary) + "; see " + page_name(verb) + "(1)");
    page.see_also.push_back(page_name(verb) + "(1)");
  }
  page.verbs.emplace_back("help VERB", "show a verb's options and examples");
  page.verbs.emplace_back("--version", "show the version");
  page.see_also.emplace_back("tracking-httpd(8)");
  return apps::man_page(page, table);
}

std::string verb_page(const Verb& verb) {
  std::string text;
  verb.describe([&](const apps::OptionTable& table) {
    text = apps::man_page({.name = page_name(verb),
                           .section = "1",
                           .summary = verb.summary,
                           .see_also = {"tracking-cli(1)", "tracking-httpd(8)"}},
                          table);
  });
  return text;
}

using Complete = std::string (*)(const apps::CompletedProgram&);

/// Tables live while describe() calls back, so each verb's is read within that of the one before.
std::string completion(std::span<const Verb> verbs, apps::CompletedProgram& described, Complete complete) {
  if (verbs.empty()) return complete(described);
  const Verb& verb = verbs.front();
  std::string text;
  verb.describe([&](const apps::OptionTable& table) {
    described.verbs.push_back({verb.name, verb.alias, verb.summary, &table});
    text = completion(verbs.subspan(1), described, complete);
  });
  return text;
}

}  // namespace

int print_documentation(std::string_view name, std::span<const Verb> verbs) {
  if (name == "man") return print(program_page(verbs));
  for (const Verb& verb : verbs) {
    if (name == std::string("man-") + verb.name) return print(verb_page(verb));
  }
  apps::CompletedProgram described{.name = program, .verbs = {}, .other_words = {"help", "--help", "--version"}};
  if (name == "bash") return print(completion(verbs, described, apps::bash_completion));
  if (name == "zsh") return print(completion(verbs, described, apps::zsh_completion));
  if (name == "fish") return print(completion(verbs, described, apps::fish_completion));
  say("there is no document " + printable(name) + ": there are man, man-VERB, bash, zsh and fish");
  return exit_usage;
}

}  // namespace tracking::cli
