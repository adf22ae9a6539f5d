#include "man_page.h"

#include "option_reader.h"

#include <tracking/version.h>

#include <cctype>

namespace tracking::apps {
namespace {

/// Text for roff that is shown as it stands: dashes and quotes stay what one types.
std::string roff(std::string_view text) {
  std::string out;
  for (const char character : text) {
    switch (character) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += character;
    }
  }
  return out;
}

/// A line of text; what begins with a dot is none of roff's requests.
void append_line(std::string& out, std::string_view text) {
  if (text.starts_with('.')) out += "\\&";
  out += roff(text) + "\n";
}

std::string upper(std::string text) {
  for (char& character : text) character = static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  return text;
}

/// Takes the next line off `text`.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// Text as --help has it: paragraphs, and examples that are indented.
class TextWriter {
 public:
  explicit TextWriter(std::string& out) : out_(out) {}

  void add(std::string_view text) {
    while (!text.empty()) add_line(take_line(text));
    end_example();
  }

 private:
  static constexpr std::string_view exit_codes = "Exit codes: ";

  void add_line(std::string_view line) {
    if (line.starts_with("  ")) {
      if (!is_example_) out_ += is_after_heading_ ? ".EX\n" : ".PP\n.EX\n";
      is_example_ = true;
      return append_line(out_, line.substr(2));
    }
    end_example();
    is_after_heading_ = false;
    if (line.empty()) {
      is_new_paragraph_ = true;
    } else if (line == "Examples:") {
      head("EXAMPLES");
    } else if (line.starts_with(exit_codes)) {
      head("EXIT STATUS");
      append_line(out_, line.substr(exit_codes.size()));
    } else {
      if (is_new_paragraph_) out_ += ".PP\n";
      is_new_paragraph_ = false;
      append_line(out_, line);
    }
  }
  void head(std::string_view title) {
    out_ += ".SH " + std::string(title) + "\n";
    is_new_paragraph_ = false;
    is_after_heading_ = true;
  }
  void end_example() {
    if (!is_example_) return;
    out_ += ".EE\n";
    is_example_ = false;
    is_new_paragraph_ = true;
  }

  std::string& out_;
  bool is_example_ = false;
  bool is_new_paragraph_ = false;
  bool is_after_heading_ = false;
};

void append_sentence(std::string& text, const std::string& sentence) {
  text += (text.ends_with('.') || text.ends_with('\n') || text.empty() ? " " : ". ") + sentence;
}

/// What follows an option's own words: its bounds, its default, and where else it may come from.
std::string details(const Option& option, const ProgramText& program) {
  std::string text = option.help_text();
  const bool is_setting = !option.is_only_flag();
  if (is_setting && option.choices().empty() && !option.constraint().empty()) {
    append_sentence(text, "From " + option.constraint() + ".");
  }
  if (option.type() != Option::Type::flag && !option.preset_text().empty()) {
    append_sentence(text, "Default: " + option.preset_text() + ".");
  }
  if (!is_setting) return text;
  const auto variable = variable_name(program.variables, option.name());
  append_sentence(text, "Variable: " + variable);
  if (has_file_form(option)) {
    if (option.type() != Option::Type::secret) text += "; from a file: --" + option.name() + "-file";
    text += ", " + variable + "_FILE";
  }
  return text + ".";
}

void append_option(std::string& out, const Option& option, const ProgramText& program) {
  const bool is_secret = option.type() == Option::Type::secret;
  out += ".TP\n";
  if (option.short_name() != 0) out += "\\fB\\-" + std::string(1, option.short_name()) + "\\fR, ";
  out += "\\fB\\-\\-" + roff(option.name() + (is_secret ? "-file" : "")) + "\\fR";
  const std::string value = is_secret ? "FILE" : option.value_name();
  if (!value.empty()) out += " \\fI" + roff(value) + "\\fR";
  out += "\n";
  append_line(out, details(option, program));
}

void append_options(std::string& out, const OptionTable& table) {
  if (table.options().empty()) return;
  out += ".SH OPTIONS\n";
  std::string section;
  for (const auto& option : table.options()) {
    if (option.is_hidden()) continue;
    if (option.section() != section) out += ".SS " + roff(section = option.section()) + "\n";
    append_option(out, option, table.program());
  }
}

void append_verbs(std::string& out, const ManPage& page) {
  if (page.verbs.empty()) return;
  out += ".SH VERBS\n";
  for (const auto& [verb, summary] : page.verbs) {
    out += ".TP\n\\fB" + roff(verb) + "\\fR\n";
    append_line(out, summary);
  }
}

void append_epilogue(std::string& out, std::string_view epilogue) {
  if (epilogue.empty()) return;
  const bool has_heading = epilogue.starts_with("Exit codes:") || epilogue.starts_with("Examples:");
  if (!has_heading) out += ".SH NOTES\n";
  TextWriter(out).add(epilogue);
}

}  // namespace

std::string man_page(const ManPage& page, const OptionTable& table) {
  const ProgramText& program = table.program();
  std::string out = ".\\\" Generated from the option table by scripts/generate.sh.\n";
  // No date: it would change by itself.
  out += ".TH " + roff(upper(page.name)) + " " + page.section + " \"\" \"tracking " + std::string(version()) +
         "\" \"tracking\"\n.ad l\n.nh\n";
  out += ".SH NAME\n" + roff(page.name) + " \\- " + roff(page.summary) + "\n";
  out += ".SH SYNOPSIS\n\\fB" + roff(program.program) + "\\fR " + roff(program.usage) + "\n";
  out += ".SH DESCRIPTION\n";
  TextWriter(out).add(program.summary);
  append_verbs(out, page);
  append_options(out, table);
  append_epilogue(out, program.epilogue);
  if (page.see_also.empty()) return out;
  out += ".SH SEE ALSO\n";
  for (std::size_t i = 0; i < page.see_also.size(); ++i) {
    const auto& name = page.see_also[i];
    const auto bracket = name.find('(');
    out += ".BR " + roff(name.substr(0, bracket)) + " " + name.substr(bracket) +
           (i + 1 < page.see_also.size() ? " ,\n" : "\n");
  }
  return out;
}

}  // namespace tracking::apps
