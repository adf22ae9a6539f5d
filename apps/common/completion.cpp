#include "completion.h"

#include "option_reader.h"

#include <algorithm>

namespace tracking::apps {
namespace {

using Value = CompletedFlag::Value;

std::string first_sentence(const std::string& text) {
  const auto end = text.find(". ");
  if (end != std::string::npos) return text.substr(0, end);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

Value value_of(const Option& option) {
  if (option.type() == Option::Type::flag) return Value::none;
  if (!option.choices().empty()) return Value::word;
  if (option.value_name() == "FILE") return Value::file;
  return option.value_name() == "DIR" ? Value::directory : Value::free;
}

}  // namespace

std::vector<CompletedFlag> completed_flags(const OptionTable& table) {
  std::vector<CompletedFlag> flags;
  for (const auto& option : table.options()) {
    if (option.is_hidden()) continue;
    CompletedFlag flag{.name = option.name(),
                       .letter = option.short_name(),
                       .help = first_sentence(option.help_text()),
                       .value_name = option.value_name(),
                       .value = value_of(option),
                       .words = option.choices(),
                       .may_repeat = option.type() == Option::Type::list};
    if (option.type() != Option::Type::secret) flags.push_back(flag);
    if (!has_file_form(option)) continue;
    flag.name += "-file";
    flag.letter = 0;
    flag.value_name = "FILE";
    flag.value = Value::file;
    if (option.type() == Option::Type::url) flag.help = "The same, read from a file";
    flags.push_back(std::move(flag));
  }
  return flags;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string identifier(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace tracking::apps
