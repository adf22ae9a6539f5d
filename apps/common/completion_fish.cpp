#include "completion.h"

namespace tracking::apps {
namespace {

using Value = CompletedFlag::Value;

/// In single quotes. Not called `quoted`: for a std::string that would be the one of <iomanip>, where that is included.
std::string fish_word(std::string_view text) {
  std::string out = "'";
  for (const char character : text) {
    if (character == '\'' || character == '\\') out += '\\';
    out += character;
  }
  return out + "'";
}

void append_flags(std::string& out, const OptionTable& table, const std::string& head) {
  for (const auto& flag : completed_flags(table)) {
    out += head + " -l " + flag.name;
    if (flag.letter != 0) out += std::string(" -s ") + flag.letter;
    switch (flag.value) {
      case Value::none:
        break;
      case Value::word:
        out += " -x -a " + fish_word(joined(flag.words));
        break;
      case Value::file:
        out += " -r -F";
        break;
      case Value::directory:
        out += " -x -a '(__fish_complete_directories)'";
        break;
      case Value::free:
        out += " -x";
        break;
    }
    out += " -d " + fish_word(flag.help) + "\n";
  }
}

void append_verb(std::string& out, const CompletedVerb& verb, const std::string& head) {
  out += head + " -n __fish_use_subcommand -a " + verb.name + " -d " + fish_word(verb.summary) + "\n";
  const std::string is_verb = "__fish_seen_subcommand_from " + verb.name + (verb.alias.empty() ? "" : " " + verb.alias);
  append_flags(out, *verb.table, head + " -n " + fish_word(is_verb));
  const auto& words = verb.table->program().words;
  if (words.empty()) return;
  const std::string all = joined(words);
  out += head + " -n " + fish_word(is_verb + "; and not __fish_seen_subcommand_from " + all) + " -a " + fish_word(all) +
         "\n";
}

}  // namespace

std::string fish_completion(const CompletedProgram& program) {
  const std::string head = "complete -c " + program.name;
  std::string out = "# Generated from the option tables by scripts/generate.sh.\n" + head + " -f\n";
  if (program.verbs.front().name.empty()) {
    append_flags(out, *program.verbs.front().table, head);
    return out;
  }
  for (const auto& verb : program.verbs) append_verb(out, verb, head);
  std::string verbs;
  for (const auto& verb : program.verbs) verbs += (verbs.empty() ? "" : " ") + verb.name;
  out += head + " -n '__fish_seen_subcommand_from help; and not __fish_seen_subcommand_from " + verbs + "' -a " +
         fish_word(verbs) + "\n";
  out += head + " -n __fish_use_subcommand -a " + fish_word(joined(program.other_words)) + "\n";
  return out;
}

}  // namespace tracking::apps
