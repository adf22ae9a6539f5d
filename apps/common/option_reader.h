// How OptionTable::parse() works: each source says what it has been given, then everything is assigned, the weakest
// source first.
#pragma once

#include "options.h"

#include <vector>

namespace tracking::apps {

class OptionReader {
 public:
  explicit OptionReader(OptionTable& table) : table_(table) {}

  Status read_flags(std::span<const char* const> arguments);
  /// What is only a flag (--help) holds even if another source turns out to be wrong.
  Status assign_only_flags();
  Status read_environment(const Environment& environment);
  Status read_file();
  Status assign_all();

 private:
  /// What one source says of one option.
  struct Given {
    Option* option = nullptr;
    Option::Source source = Option::Source::preset;
    std::string origin;
    std::vector<std::string> texts;
    bool names_file = false;  // the text is the path of a file that holds the value
  };

  Option* find(std::string_view name) noexcept;
  /// The option that `NAME-file` stands for, if it may be read from a file.
  Option* find_by_file_name(std::string_view name) noexcept;
  std::string unknown(std::string_view what, std::string_view name, std::string_view dashes) const;
  Status give(Option& option, Option::Source source, std::string origin, std::string text, bool names_file);
  Status read_toml(const std::string& path, const std::string& content);
  Status assign(const Given& given);
  /// What names the configuration file, if anything does.
  const Given* config_given() const noexcept;

  OptionTable& table_;
  std::vector<Given> given_;
};

/// "TRACKING_MAX_DATA_SIZE"
std::string variable_name(std::string_view prefix, std::string_view option_name);

/// True if the option's value may also be the content of a file: secrets, and URLs that may hold a password.
bool has_file_form(const Option& option) noexcept;

/// Reads a small file. The error says what failed, without the path.
Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max);

/// The name among `names` that `name` is probably a slip of the finger for, or an empty text.
std::string nearest_name(std::string_view name, const std::vector<std::string>& names);

}  // namespace tracking::apps
