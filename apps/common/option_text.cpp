// What the table says of itself: --help, --print-config, and the documentation.
#include "option_reader.h"
#include "text.h"

namespace tracking::apps {
namespace {

constexpr std::size_t help_column = 30;
constexpr std::size_t width = 100;

/// Appends words from column `indent` on, broken at `width`; the cursor stands at `column`.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent, std::size_t column) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (column > indent && column + 1 + word.size() > width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += '\n';
}

std::string escape_cell(std::string_view text) {
  std::string out;
  for (const char character : text) {
    if (character == '|') out += '\\';
    out += character;
  }
  return out;
}

std::string as_toml(const Option& option, const std::string& text) {
  if (option.type() == Option::Type::integer || option.type() == Option::Type::flag) return text;
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

std::string OptionTable::help() const {
  std::string out = "Usage: " + program_.program + " " + program_.usage + "\n\n" + program_.summary + "\n";
  std::string section;
  for (const auto& option : options_) {
    if (option.is_hidden_) continue;
    if (option.section_ != section) out += "\n" + (section = option.section_) + ":\n";
    const bool is_secret = option.type_ == Option::Type::secret;
    std::string head = option.letter_ ? std::string("  -") + option.letter_ + ", --" : "  --";
    head += option.name_ + (is_secret ? "-file FILE" : "");
    if (!is_secret && !option.value_name_.empty()) head += " " + option.value_name_;
    out += head;
    auto column = head.size();
    if (column + 2 > help_column) {
      out += '\n';
      column = 0;
    }
    out.append(help_column - column, ' ');
    std::string text = option.help_;
    if (is_secret) text += " Or the variable " + variable_name(program_.variables, option.name_) + ".";
    if (option.type_ != Option::Type::flag && !option.preset_text_.empty()) {
      text += " [" + option.preset_text_ + "]";
    }
    append_wrapped(out, text, help_column, help_column);
  }
  if (!program_.epilogue.empty()) out += "\n" + program_.epilogue + "\n";
  return out;
}

std::string OptionTable::print_config() const {
  std::string out;
  std::string section;
  for (const auto& option : options_) {
    if (option.is_hidden_ || option.is_only_flag_ || &option == config_file_) continue;
    if (option.section_ != section) out += (out.empty() ? "# " : "\n# ") + (section = option.section_) + "\n";
    const bool is_secret = option.type_ == Option::Type::secret;
    const auto text = option.show_();
    if (!option.is_set() && (is_secret || text.empty())) {
      out += "# " + option.name_ + " is not set\n";
      continue;
    }
    // A masked secret must not be read back as if it were one.
    out += is_secret ? "# " + option.name_ + " = \"***\"" : option.name_ + " = " + as_toml(option, text);
    out += option.is_set() ? "  # from " : "  # default";
    if (option.is_set()) append_printable(out, option.origin_);
    out += '\n';
  }
  return out;
}

std::string OptionTable::markdown() const {
  std::string out;
  std::string section;
  for (const auto& option : options_) {
    if (option.is_hidden_) continue;
    if (option.section_ != section) {
      out += "\n## " + (section = option.section_) + "\n\n";
      out += "| flag | variable | default | values | meaning |\n|---|---|---|---|---|\n";
    }
    const bool is_secret = option.type_ == Option::Type::secret;
    const auto variable = variable_name(program_.variables, option.name_);
    std::string flags = is_secret ? "" : "`--" + option.name_ + "`";
    std::string variables = option.is_only_flag_ ? "" : "`" + variable + "`";
    if (has_file_form(option)) {
      flags += (flags.empty() ? "`--" : ", `--") + option.name_ + "-file`";
      variables += ", `" + variable + "_FILE`";
    }
    const bool has_preset = !option.preset_text_.empty() && !option.is_only_flag_;
    std::string values = option.constraint_;
    if (values.empty() && option.type_ == Option::Type::flag && !option.is_only_flag_) values = "true or false";
    if (values.empty()) values = is_secret ? "FILE" : option.value_name_;
    out += "| " + flags + " | " + variables + " | " + (has_preset ? "`" + escape_cell(option.preset_text_) + "`" : "") +
           " | " + escape_cell(values) + " | " + escape_cell(option.help_) + " |\n";
  }
  return out;
}

}  // namespace tracking::apps
