// The command line, by cxxopts.
#define CXXOPTS_NO_REGEX true  // its patterns are compiled at every start otherwise
#include "option_reader.h"

#include <cxxopts.hpp>

namespace tracking::apps {
namespace {

/// What cxxopts' message has between its first pair of quotes: the name or the argument at fault.
std::string quoted_part(const std::string& message) {
  const auto start = message.find(cxxopts::LQUOTE);
  if (start == std::string::npos) return {};
  const auto from = start + cxxopts::LQUOTE.size();
  const auto end = message.find(cxxopts::RQUOTE, from);
  auto part = message.substr(from, end == std::string::npos ? end : end - from);
  return part.substr(0, part.find('='));  // what follows may be a secret
}

Status usage(std::string message) { return {Code::invalid_parameter, std::move(message)}; }

/// "--listen", or "-u" for a letter.
std::string as_flag(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

}  // namespace

Status OptionReader::read_flags(std::span<const char* const> arguments) {
  cxxopts::Options parser(table_.program_.program);
  auto adder = parser.add_options();
  for (const auto& option : table_.options_) {
    auto value = cxxopts::value<std::string>();
    if (option.type_ == Option::Type::flag) value->implicit_value("true");
    const auto names = option.letter_ ? std::string(1, option.letter_) + "," + option.name_ : option.name_;
    if (option.type_ != Option::Type::secret) adder(names, "", value);
    if (has_file_form(option)) adder(option.name_ + "-file", "", cxxopts::value<std::string>());
  }

  std::vector<const char*> argv{table_.program_.program.c_str()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  try {
    const auto result = parser.parse(static_cast<int>(argv.size()), argv.data());
    for (const auto& argument : result.arguments()) {
      auto* option = find(argument.key());
      const bool names_file = option == nullptr;
      if (names_file) option = find_by_file_name(argument.key());
      auto status = give(*option, Option::Source::flag, "--" + argument.key(), argument.value(), names_file);
      if (!status) return status;
    }
    table_.positionals_ = result.unmatched();
  } catch (const cxxopts::exceptions::no_such_option& error) {
    const auto name = quoted_part(error.what());
    if (auto* option = find(name); option && option->type_ == Option::Type::secret) {
      return usage("--" + name + " does not exist, because everyone on the machine can read command lines: use --" +
                   name + "-file FILE or the variable " + variable_name(table_.program_.variables, name));
    }
    return usage(unknown("option", name, name.size() == 1 ? "-" : "--"));
  } catch (const cxxopts::exceptions::missing_argument& error) {
    return usage(as_flag(quoted_part(error.what())) + ": needs a value");
  } catch (const cxxopts::exceptions::invalid_option_syntax& error) {
    return usage(unknown("option", quoted_part(error.what()), ""));
  } catch (const std::exception& error) {
    return usage(error.what());
  }

  if (table_.positionals_.size() > table_.program_.positionals_max) {
    return usage("unexpected argument " + in_quotes(table_.positionals_[table_.program_.positionals_max]));
  }
  return {};
}

}  // namespace tracking::apps
