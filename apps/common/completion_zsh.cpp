#include "completion.h"

namespace tracking::apps {
namespace {

using Value = CompletedFlag::Value;

/// For single quotes, with what has a meaning in a specification escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char character : text) {
    if (character == '\'') {
      out += "'\\''";
      continue;
    }
    if (character == '[' || character == ']' || character == ':' || character == '\\') out += '\\';
    out += character;
  }
  return out;
}

std::string value_specification(const CompletedFlag& flag) {
  if (flag.value == Value::none) return {};
  const std::string head = ":" + escaped(flag.value_name) + ":";
  switch (flag.value) {
    case Value::word:
      return head + "(" + joined(flag.words) + ")";
    case Value::file:
      return head + "_files";
    case Value::directory:
      return head + "_files -/";
    default:
      return head + " ";
  }
}

/// "'(-o --output)'{-o+,--output=}'[how]:text|json:(text json)'"
std::string specification(const CompletedFlag& flag) {
  const bool has_value = flag.value != Value::none;
  const std::string name = "--" + flag.name + (has_value ? "=" : "");
  const std::string rest = "'[" + escaped(flag.help) + "]" + value_specification(flag) + "'";
  const std::string repeat = flag.may_repeat ? "'*'" : "";
  if (flag.letter == 0) return (flag.may_repeat ? repeat : "") + name + rest;
  const std::string letter = std::string("-") + flag.letter;
  const std::string group = flag.may_repeat ? repeat : "'(" + letter + " --" + flag.name + ")'";
  return group + "{" + letter + (has_value ? "+" : "") + "," + name + "}" + rest;
}

void append_arguments(std::string& out, const OptionTable& table, const std::string& indent) {
  out += indent + "_arguments -s";
  for (const auto& flag : completed_flags(table)) out += " \\\n" + indent + "  " + specification(flag);
  if (!table.program().words.empty()) {
    out += " \\\n" + indent + "  '1:action:(" + joined(table.program().words) + ")'";
  }
  out += "\n";
}

void append_verbs(std::string& out, const CompletedProgram& program) {
  out += "  local -a verbs=(\n";
  for (const auto& verb : program.verbs) out += "    '" + verb.name + ":" + escaped(verb.summary) + "'\n";
  for (const auto& word : program.other_words) out += "    '" + word + "'\n";
  out += "  )\n  if ((CURRENT == 2)); then\n    _describe verb verbs\n    return\n  fi\n";
  out += "  shift words\n  ((CURRENT--))\n  case $words[1] in\n";
  for (const auto& verb : program.verbs) {
    out += "    " + verb.name + (verb.alias.empty() ? "" : "|" + verb.alias) + ")\n";
    append_arguments(out, *verb.table, "      ");
    out += "      ;;\n";
  }
  out += "    help) ((CURRENT == 2)) && _describe verb verbs ;;\n  esac\n";
}

}  // namespace

std::string zsh_completion(const CompletedProgram& program) {
  const std::string function = "_" + identifier(program.name);
  std::string out = "#compdef " + program.name + "\n# Generated from the option tables by scripts/generate.sh.\n" +
                    function + "() {\n";
  if (program.verbs.front().name.empty()) {
    append_arguments(out, *program.verbs.front().table, "  ");
  } else {
    append_verbs(out, program);
  }
  return out + "}\n" + function + " \"$@\"\n";
}

}  // namespace tracking::apps
