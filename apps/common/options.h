// One table of settings drives flags, environment variables, the configuration file, --help, --print-config and the
// generated documentation.
//
//   Settings settings;                                     // its initial values are the defaults
//   OptionTable table({.program = "tracking-httpd", .summary = "..."});
//   table.section("Listeners");
//   table.text("listen", settings.listen).value("HOST:PORT").help("Where clients send events.");
//   table.size("max-data-size", settings.data_bytes_max, 1, 64u << 20).help("The largest data of an event.");
//   if (auto status = table.parse(arguments); !status) return table.report(status);
//
// A setting `max-data-size` is the flag `--max-data-size`, the variable `TRACKING_MAX_DATA_SIZE` and the key
// `max-data-size` (or `max_data_size`) of the TOML file. Flag > environment > file > default; a wrong value is an error
// wherever it stands, also if another source overrides it. An empty variable counts as not set.
// A secret has no flag of its own (every user of the machine can read command lines): it is the variable, the key, or
// the content of a file named by `--NAME-file`, `TRACKING_NAME_FILE` or the key `NAME-file`.
#pragma once

#include <tracking/status.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracking::apps {

/// The exit code for wrong flags, variables or files.
inline constexpr int exit_usage = 2;

/// One row of the table. Made by OptionTable; the functions below refine it and return it again.
class Option {
 public:
  enum class Type : std::uint8_t { text, list, integer, size, duration, choice, flag, url, secret };
  /// Where a value came from.
  enum class Source : std::uint8_t { preset, file, variable, flag };

  /// What stands for the value in --help: `--listen HOST:PORT`.
  Option& value(std::string value_name);
  /// What it does, in sentences.
  Option& help(std::string text);
  /// A short form as well: `-u`.
  Option& letter(char short_name);
  /// Only a flag: no variable, no key. For what belongs to one call, like --help.
  Option& only_flag();
  /// Describes the default where its bare value says too little: "one per core".
  Option& preset(std::string text);
  /// A further check of each value: an empty string, or what is wrong ("is not HOST:PORT").
  Option& check(std::function<std::string(std::string_view)> what_is_wrong);
  /// Not shown in --help or the documentation.
  Option& hidden();

  const std::string& name() const noexcept { return name_; }
  Type type() const noexcept { return type_; }
  char short_name() const noexcept { return letter_; }  ///< 0 = none
  const std::string& section() const noexcept { return section_; }
  const std::string& value_name() const noexcept { return value_name_; }
  const std::string& help_text() const noexcept { return help_; }
  const std::string& preset_text() const noexcept { return preset_text_; }
  const std::string& constraint() const noexcept { return constraint_; }
  const std::vector<std::string>& choices() const noexcept { return choices_; }
  bool is_only_flag() const noexcept { return is_only_flag_; }
  bool is_hidden() const noexcept { return is_hidden_; }
  Source source() const noexcept { return source_; }
  bool is_set() const noexcept { return source_ != Source::preset; }

 private:
  friend class OptionTable;
  friend class OptionReader;

  std::string name_;
  Type type_ = Type::text;
  char letter_ = 0;
  std::string section_;
  std::string value_name_;
  std::string help_;
  std::string preset_text_;  // as shown: the bound variable's first value, or what preset() says
  std::string constraint_;   // "1 to 64", "text or json"
  std::vector<std::string> choices_;
  bool is_only_flag_ = false;
  bool is_hidden_ = false;
  std::function<std::string(std::string_view)> check_;
  std::function<std::string(std::string_view)> assign_;  // sets the variable: empty, or what is wrong with the value
  std::function<std::string()> show_;                    // the variable as text
  std::function<void()> clear_;                          // of a list: before the first value of a source
  Source source_ = Source::preset;
  std::string origin_;  // "--listen", "TRACKING_LISTEN", "/etc/tracking.toml:3"
};

/// What the program says about itself.
struct ProgramText {
  std::string program;                  ///< "tracking-httpd", "tracking-cli subscribe": begins every message
  std::string usage = {};               ///< after the program's name: "[options]"
  std::string summary = {};             ///< the first lines of --help
  std::string epilogue = {};            ///< the last lines of --help: examples
  std::string variables = "TRACKING_";  ///< what the variables' names begin with
  std::size_t positionals_max = 0;      ///< how many arguments without a dash are taken
  std::vector<std::string> words = {};  ///< what the first of these may be, if it is one of a few
};

/// The value of an environment variable, or nullptr.
using Environment = std::function<const char*(const char* name)>;

/// The table. Used by one thread, before others are started. The variables bound to it outlive it.
class OptionTable {
 public:
  explicit OptionTable(ProgramText program);
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;
  ~OptionTable();

  /// The options made from here on stand under this heading.
  void section(std::string title);

  // Each binds a setting to a variable, whose present value is the default. Bounds are inclusive.
  Option& text(std::string name, std::string& variable);
  /// May be given several times; a key may be an array. A list given by one source replaces that of a weaker one.
  Option& list(std::string name, std::vector<std::string>& variable);
  Option& integer(std::string name, std::uint64_t& variable, std::uint64_t min, std::uint64_t max);
  Option& integer(std::string name, std::optional<std::uint64_t>& variable, std::uint64_t min, std::uint64_t max);
  Option& size(std::string name, std::size_t& variable, std::size_t min, std::size_t max);
  Option& duration(std::string name, std::chrono::milliseconds& variable, std::chrono::milliseconds min,
                   std::chrono::milliseconds max);
  Option& duration(std::string name, std::optional<std::chrono::milliseconds>& variable, std::chrono::milliseconds min,
                   std::chrono::milliseconds max);
  Option& choice(std::string name, std::string& variable, std::vector<std::string> choices);
  Option& flag(std::string name, bool& variable);
  /// May hold a password: it is shown redacted, and `NAME-file` reads it from a file.
  Option& url(std::string name, std::string& variable);
  /// Never shown. See the top of this file.
  Option& secret(std::string name, std::string& variable);

  /// This text option names the TOML file.
  void config_file(const Option& option);

  /// Reads flags (without the program's name), environment and file, in this order of precedence, into the variables.
  /// The error is one line that says where the value came from, and shows no secret.
  Status parse(std::span<const char* const> arguments);
  Status parse(std::span<const char* const> arguments, const Environment& environment);

  /// The arguments without a dash, in order.
  const std::vector<std::string>& positionals() const noexcept { return positionals_; }
  /// The option of that name; precondition: there is one.
  const Option& find(std::string_view name) const noexcept;
  /// How messages name an option's value: "--listen", "TRACKING_LISTEN", "/etc/tracking.toml:3: listen", or "listen".
  std::string origin(std::string_view name) const;

  const ProgramText& program() const noexcept { return program_; }
  /// In the order in which they were made.
  const std::deque<Option>& options() const noexcept { return options_; }

  /// Prints the error and a hint at --help on stderr; returns exit_usage.
  int report(const Status& error) const;

  /// --help.
  std::string help() const;
  /// --print-config: a TOML file of what is in force, with where it came from; secrets are masked.
  std::string print_config() const;
  /// Tables of all settings in Markdown, a section each.
  std::string markdown() const;

 private:
  friend class OptionReader;

  Option& add(std::string name, Option::Type type);

  ProgramText program_;
  std::string section_;
  std::deque<Option> options_;  // references to its elements stay valid
  const Option* config_file_ = nullptr;
  std::vector<std::string> positionals_;
};

/// The text in quotes for a message: control characters escaped, cut after 60 characters.
std::string in_quotes(std::string_view text);

}  // namespace tracking::apps
