#include "completion.h"

namespace tracking::apps {
namespace {

using Value = CompletedFlag::Value;

/// "subscribe | sub"
std::string names(const CompletedVerb& verb) { return verb.alias.empty() ? verb.name : verb.name + " | " + verb.alias; }

/// A line of the case that knows what follows a flag: "    --output | -o) words='text json' ;;"
void append_value(std::string& out, const CompletedFlag& flag, const char* indent) {
  if (flag.value == Value::none) return;
  out += indent + ("--" + flag.name) + (flag.letter != 0 ? std::string(" | -") + flag.letter : std::string()) + ") ";
  switch (flag.value) {
    case Value::word:
      out += "words='" + joined(flag.words) + "'";
      break;
    case Value::file:
      out += "kind=files";
      break;
    case Value::directory:
      out += "kind=folders";
      break;
    default:
      out += "kind=none";
      break;
  }
  out += " ;;\n";
}

/// What may be typed in the place of `table`'s arguments.
void append_table(std::string& out, const OptionTable& table, const std::string& indent) {
  const auto flags = completed_flags(table);
  std::string words;
  for (const auto& flag : flags) words += " --" + flag.name;
  out += indent + "words='" + words.substr(words.empty() ? 0 : 1) + "'\n";
  if (!table.program().words.empty()) {
    out += indent + "((COMP_CWORD == 2)) && words+=' " + joined(table.program().words) + "'\n";
  }
  out += indent + "case $previous in\n";
  for (const auto& flag : flags) append_value(out, flag, (indent + "  ").c_str());
  out += indent + "esac\n";
}

void append_verbs(std::string& out, const CompletedProgram& program) {
  std::string words;
  for (const auto& verb : program.verbs) words += verb.name + " ";
  out += "  if ((COMP_CWORD == 1)); then\n    words='" + words + joined(program.other_words) + "'\n  else\n";
  out += "    case ${COMP_WORDS[1]} in\n";
  for (const auto& verb : program.verbs) {
    out += "      " + names(verb) + ")\n";
    append_table(out, *verb.table, "        ");
    out += "        ;;\n";
  }
  out += "      help) ((COMP_CWORD == 2)) && words='" + words.substr(0, words.size() - 1) + "' ;;\n";
  out += "    esac\n  fi\n";
}

}  // namespace

std::string bash_completion(const CompletedProgram& program) {
  const std::string function = "_" + identifier(program.name);
  std::string out = "# bash completion for " + program.name +
                    ". Generated from the option tables by scripts/generate.sh.\n# shellcheck shell=bash\n" + function +
                    R"(() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words='' kind=words
  # --flag=value is three words to bash.
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)";
  if (program.verbs.front().name.empty()) {
    append_table(out, *program.verbs.front().table, "  ");
  } else {
    append_verbs(out, program);
  }
  out += R"(  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) COMPREPLY=() ;;
  esac
}
)";
  return out + "complete -F " + function + " " + program.name + "\n";
}

}  // namespace tracking::apps
