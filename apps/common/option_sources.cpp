// The environment, files that hold one value, and the assignment of what was given.
#include "option_reader.h"
#include "text.h"

#include <tracking/backends.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace tracking::apps {
namespace {

constexpr std::size_t secret_bytes_max = 64u << 10;
constexpr int file_wait_ms = 800;  // for a pipe's writer: a wrong setting is told within a second

Status usage(std::string message) { return {Code::invalid_parameter, std::move(message)}; }

/// The number of single-character changes between two names (Levenshtein).
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t column = 0; column < row.size(); ++column) row[column] = column;
  for (std::size_t line = 1; line <= left.size(); ++line) {
    auto diagonal = row[0];
    row[0] = line;
    for (std::size_t column = 1; column < row.size(); ++column) {
      const auto substituted = diagonal + (left[line - 1] == right[column - 1] ? 0 : 1);
      diagonal = row[column];
      row[column] = std::min({substituted, row[column] + 1, row[column - 1] + 1});
    }
  }
  return row.back();
}

/// How a wrong value is shown: secrets not at all, URLs without their passwords.
std::string shown(const Option& option, std::string_view text) {
  if (option.type() == Option::Type::secret) return "the value";
  if (option.type() != Option::Type::url) return in_quotes(text);
  const auto url = BackendUrl::parse(text);
  return url ? in_quotes(url->redacted()) : "the value";
}

/// A secret is one line without control characters; one line break at a file's end is not part of it.
std::string without_line_end(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  return text;
}

}  // namespace

std::string variable_name(std::string_view prefix, std::string_view option_name) {
  std::string name(prefix);
  for (const char character : option_name) {
    name += character == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  }
  return name;
}

bool has_file_form(const Option& option) noexcept {
  return option.type() == Option::Type::secret || option.type() == Option::Type::url;
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& names) {
  std::string nearest;
  std::size_t nearest_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  if (name.size() > 64) return nearest;
  for (const auto& candidate : names) {
    const auto steps = distance(name, candidate);
    if (steps < nearest_distance) {
      nearest = candidate;
      nearest_distance = steps;
    }
  }
  return nearest;
}

Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max) {
  const auto failed = [](int error) { return Status(Code::invalid_parameter, std::strerror(error)); };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return failed(errno);
  std::string content;
  char buffer[4096];
  int error = 0;
  for (;;) {
    pollfd waiting{file, POLLIN, 0};
    if (::poll(&waiting, 1, file_wait_ms) == 0) {
      error = ETIMEDOUT;
      break;
    }
    const auto size = ::read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) error = errno;
    if (size <= 0) break;
    content.append(buffer, static_cast<std::size_t>(size));
    if (content.size() > bytes_max) {
      error = EFBIG;
      break;
    }
  }
  ::close(file);
  if (error != 0) return failed(error);
  return content;
}

Option* OptionReader::find(std::string_view name) noexcept {
  for (auto& option : table_.options_) {
    if (option.name_ == name) return &option;
    if (option.letter_ && name.size() == 1 && option.letter_ == name[0]) return &option;
  }
  return nullptr;
}

Option* OptionReader::find_by_file_name(std::string_view name) noexcept {
  constexpr std::string_view ending = "-file";
  if (name.size() <= ending.size() || name.substr(name.size() - ending.size()) != ending) return nullptr;
  auto* option = find(name.substr(0, name.size() - ending.size()));
  return option && has_file_form(*option) ? option : nullptr;
}

std::string OptionReader::unknown(std::string_view what, std::string_view name, std::string_view dashes) const {
  std::vector<std::string> names;
  for (const auto& option : table_.options_) {
    if (option.is_hidden_) continue;
    if (option.type_ != Option::Type::secret) names.push_back(option.name_);
    if (has_file_form(option)) names.push_back(option.name_ + "-file");
  }
  auto message = "unknown " + std::string(what) + " ";
  append_printable(message, std::string(dashes) + std::string(name.substr(0, 64)));
  if (const auto nearest = nearest_name(name, names); !nearest.empty()) {
    message += "; did you mean " + std::string(dashes) + nearest + "?";
  }
  return message;
}

Status OptionReader::give(Option& option, Option::Source source, std::string origin, std::string text,
                          bool names_file) {
  for (auto& earlier : given_) {
    if (earlier.option != &option || earlier.source != source) continue;
    if (earlier.names_file != names_file) {
      return usage(origin + " and " + earlier.origin + " are both set: choose one");
    }
    if (option.type_ != Option::Type::list) earlier.texts.clear();  // the last one counts
    earlier.texts.push_back(std::move(text));
    earlier.origin = std::move(origin);
    return {};
  }
  Given given;
  given.option = &option;
  given.source = source;
  given.origin = std::move(origin);
  given.texts.push_back(std::move(text));
  given.names_file = names_file;
  given_.push_back(std::move(given));
  return {};
}

Status OptionReader::read_environment(const Environment& environment) {
  for (auto& option : table_.options_) {
    if (option.is_only_flag_) continue;
    const auto name = variable_name(table_.program_.variables, option.name_);
    for (const bool names_file : {false, true}) {
      if (names_file && !has_file_form(option)) continue;
      const auto variable = names_file ? name + "_FILE" : name;
      const char* value = environment(variable.c_str());
      if (value == nullptr) continue;
      if (*value == '\0') {
        // An empty variable is a setting left out; but a secret left out by accident is a door left open.
        if (option.type_ == Option::Type::secret) return usage(variable + ": is empty; unset it or give it a value");
        continue;
      }
      if (auto status = give(option, Option::Source::variable, variable, value, names_file); !status) return status;
    }
  }
  return {};
}

const OptionReader::Given* OptionReader::config_given() const noexcept {
  const Given* strongest = nullptr;
  for (const auto& given : given_) {
    if (given.option == table_.config_file_ && (!strongest || given.source > strongest->source)) strongest = &given;
  }
  return strongest;
}

Status OptionReader::assign(const Given& given) {
  auto& option = *given.option;
  if (option.clear_) option.clear_();
  for (auto text : given.texts) {
    auto origin = given.origin;
    if (given.names_file) {
      auto content = read_small_file(text, secret_bytes_max);
      if (!content) return usage(origin + ": cannot read " + in_quotes(text) + ": " + content.error().message());
      origin += ": the content of " + in_quotes(text);
      text = without_line_end(std::move(*content));
      if (text.empty()) return usage(origin + " is empty");
    }
    if (option.type_ == Option::Type::secret) {
      const auto is_control = [](char character) { return static_cast<unsigned char>(character) < 0x20; };
      if (text.empty()) return usage(origin + ": is empty");
      if (std::any_of(text.begin(), text.end(), is_control)) {
        return usage(origin + ": has a line break or another control character in it");
      }
    }
    auto wrong = option.check_ ? option.check_(text) : std::string();
    if (wrong.empty()) wrong = option.assign_(text);
    if (!wrong.empty()) return usage(origin + ": " + shown(option, text) + " " + wrong);
  }
  option.source_ = given.source;
  option.origin_ = given.origin;
  return {};
}

Status OptionReader::assign_only_flags() {
  for (const auto& given : given_) {
    if (!given.option->is_only_flag_) continue;
    if (auto status = assign(given); !status) return status;
  }
  return {};
}

Status OptionReader::assign_all() {
  std::stable_sort(given_.begin(), given_.end(),
                   [](const Given& left, const Given& right) { return left.source < right.source; });
  for (const auto& given : given_) {
    if (auto status = assign(given); !status) return status;
  }
  return {};
}

}  // namespace tracking::apps
