#include "options.h"

#include "option_reader.h"
#include "text.h"
#include "values.h"

#include <tracking/backends.h>

#include <cassert>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace tracking::apps {
namespace {

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const auto& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

/// "text or json", "public, loopback or off"
std::string either(const std::vector<std::string>& choices) {
  std::string text;
  for (std::size_t index = 0; index < choices.size(); ++index) {
    if (index > 0) text += index + 1 == choices.size() ? " or " : ", ";
    text += choices[index];
  }
  return text;
}

template <class T>
std::string range(T min, T max, std::string (*format)(T)) {
  return format(min) + " to " + format(max);
}

std::string format_integer(std::uint64_t value) { return std::to_string(value); }

/// An assign function for a value that is parsed, and must lie between bounds.
template <class Value, class Parsed, class Format>
std::function<std::string(std::string_view)> bounded(Value& variable, std::optional<Parsed> (*parse)(std::string_view),
                                                     Parsed min, Parsed max, const char* what, Format format) {
  return [&variable, parse, min, max, what, format](std::string_view text) -> std::string {
    const auto value = parse(text);
    if (!value) return std::string("is not ") + what;
    if (*value < min || *value > max) return "is not in " + format(min) + " to " + format(max);
    variable = static_cast<Value>(*value);
    return {};
  };
}

std::string redact(const std::string& url) {
  if (url.empty()) return url;
  const auto parsed = BackendUrl::parse(url);
  return parsed ? parsed->redacted() : "***";
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  const bool is_cut = text.size() > shown_max;
  std::string out = "\"";
  append_printable(out, text.substr(0, shown_max));
  out += is_cut ? "...\"" : "\"";
  return out;
}

Option& Option::value(std::string value_name) { return value_name_ = std::move(value_name), *this; }
Option& Option::help(std::string text) { return help_ = std::move(text), *this; }
Option& Option::letter(char short_name) { return letter_ = short_name, *this; }
Option& Option::only_flag() { return is_only_flag_ = true, *this; }
Option& Option::preset(std::string text) { return preset_text_ = std::move(text), *this; }
Option& Option::hidden() { return is_hidden_ = true, *this; }
Option& Option::check(std::function<std::string(std::string_view)> what_is_wrong) {
  return check_ = std::move(what_is_wrong), *this;
}

OptionTable::OptionTable(ProgramText program) : program_(std::move(program)) {}
OptionTable::~OptionTable() = default;

void OptionTable::section(std::string title) { section_ = std::move(title); }

Option& OptionTable::add(std::string name, Option::Type type) {
  auto& option = options_.emplace_back();
  option.name_ = std::move(name);
  option.type_ = type;
  option.section_ = section_;
  option.origin_ = option.name_;
  return option;
}

Option& OptionTable::text(std::string name, std::string& variable) {
  auto& option = add(std::move(name), Option::Type::text);
  option.value_name_ = "TEXT";
  option.assign_ = [&variable](std::string_view text) { return variable = text, std::string(); };
  option.show_ = [&variable] { return variable; };
  option.preset_text_ = variable;
  return option;
}

Option& OptionTable::list(std::string name, std::vector<std::string>& variable) {
  auto& option = add(std::move(name), Option::Type::list);
  option.value_name_ = "TEXT";
  option.assign_ = [&variable](std::string_view text) { return variable.emplace_back(text), std::string(); };
  option.show_ = [&variable] { return join(variable, ","); };
  option.clear_ = [&variable] { variable.clear(); };
  option.preset_text_ = option.show_();
  return option;
}

Option& OptionTable::integer(std::string name, std::uint64_t& variable, std::uint64_t min, std::uint64_t max) {
  auto& option = add(std::move(name), Option::Type::integer);
  option.value_name_ = "N";
  option.assign_ = bounded(variable, parse_integer, min, max, "a whole number", format_integer);
  option.show_ = [&variable] { return std::to_string(variable); };
  option.preset_text_ = option.show_();
  option.constraint_ = range(min, max, format_integer);
  return option;
}

Option& OptionTable::integer(std::string name, std::optional<std::uint64_t>& variable, std::uint64_t min,
                             std::uint64_t max) {
  auto& option = add(std::move(name), Option::Type::integer);
  option.value_name_ = "N";
  option.assign_ = bounded(variable, parse_integer, min, max, "a whole number", format_integer);
  option.show_ = [&variable] { return variable ? std::to_string(*variable) : std::string(); };
  option.preset_text_ = option.show_();
  option.constraint_ = range(min, max, format_integer);
  return option;
}

Option& OptionTable::size(std::string name, std::size_t& variable, std::size_t min, std::size_t max) {
  static_assert(sizeof(std::size_t) == sizeof(std::uint64_t));
  auto& option = add(std::move(name), Option::Type::size);
  option.value_name_ = "SIZE";
  option.assign_ = bounded<std::size_t, std::uint64_t>(variable, parse_size, min, max,
                                                       "a size (such as 512, 64KiB, 10MiB, 1GiB)", format_size);
  option.show_ = [&variable] { return format_size(variable); };
  option.preset_text_ = option.show_();
  option.constraint_ = range<std::uint64_t>(min, max, format_size);
  return option;
}

Option& OptionTable::duration(std::string name, std::chrono::milliseconds& variable, std::chrono::milliseconds min,
                              std::chrono::milliseconds max) {
  auto& option = add(std::move(name), Option::Type::duration);
  option.value_name_ = "TIME";
  option.assign_ =
      bounded(variable, parse_duration, min, max, "a duration (such as 250ms, 30s, 5m, 7d)", format_duration);
  option.show_ = [&variable] { return format_duration(variable); };
  option.preset_text_ = option.show_();
  option.constraint_ = range(min, max, format_duration);
  return option;
}

Option& OptionTable::duration(std::string name, std::optional<std::chrono::milliseconds>& variable,
                              std::chrono::milliseconds min, std::chrono::milliseconds max) {
  auto& option = add(std::move(name), Option::Type::duration);
  option.value_name_ = "TIME";
  option.assign_ =
      bounded(variable, parse_duration, min, max, "a duration (such as 250ms, 30s, 5m, 7d)", format_duration);
  option.show_ = [&variable] { return variable ? format_duration(*variable) : std::string(); };
  option.preset_text_ = option.show_();
  option.constraint_ = range(min, max, format_duration);
  return option;
}

Option& OptionTable::choice(std::string name, std::string& variable, std::vector<std::string> choices) {
  auto& option = add(std::move(name), Option::Type::choice);
  option.value_name_ = join(choices, "|");
  option.constraint_ = either(choices);
  option.choices_ = choices;
  option.assign_ = [&variable, choices = std::move(choices)](std::string_view text) -> std::string {
    for (const auto& choice : choices) {
      if (choice == text) return variable = choice, std::string();
    }
    return "is not " + either(choices);
  };
  option.show_ = [&variable] { return variable; };
  option.preset_text_ = variable;
  return option;
}

Option& OptionTable::flag(std::string name, bool& variable) {
  auto& option = add(std::move(name), Option::Type::flag);
  option.assign_ = [&variable](std::string_view text) -> std::string {
    const auto value = parse_flag(text);
    if (!value) return "is not true or false";
    variable = *value;
    return {};
  };
  option.show_ = [&variable] { return std::string(variable ? "true" : "false"); };
  option.preset_text_ = option.show_();
  return option;
}

Option& OptionTable::url(std::string name, std::string& variable) {
  auto& option = text(std::move(name), variable);
  option.type_ = Option::Type::url;
  option.value_name_ = "URL";
  option.show_ = [&variable] { return redact(variable); };
  option.preset_text_ = option.show_();
  return option;
}

Option& OptionTable::secret(std::string name, std::string& variable) {
  auto& option = text(std::move(name), variable);
  option.type_ = Option::Type::secret;
  option.show_ = [] { return std::string(); };
  option.preset_text_.clear();
  return option;
}

void OptionTable::config_file(const Option& option) { config_file_ = &option; }

const Option& OptionTable::find(std::string_view name) const noexcept {
  for (const auto& option : options_) {
    if (option.name_ == name) return option;
  }
  assert(false && "no option of that name in the table");
  std::abort();
}

std::string OptionTable::origin(std::string_view name) const { return find(name).origin_; }

Status OptionTable::parse(std::span<const char* const> arguments) {
  return parse(arguments, [](const char* name) { return std::getenv(name); });
}

Status OptionTable::parse(std::span<const char* const> arguments, const Environment& environment) {
  OptionReader reader(*this);
  if (auto status = reader.read_flags(arguments); !status) return status;
  if (auto status = reader.assign_only_flags(); !status) return status;
  if (auto status = reader.read_environment(environment); !status) return status;
  if (auto status = reader.read_file(); !status) return status;
  return reader.assign_all();
}

int OptionTable::report(const Status& error) const {
  std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", program_.program.c_str(), error.message().c_str(),
               program_.program.c_str());
  return exit_usage;
}

}  // namespace tracking::apps
