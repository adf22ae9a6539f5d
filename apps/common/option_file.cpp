// The configuration file, by toml++.
#include "option_reader.h"
#include "text.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>

namespace tracking::apps {
namespace {

constexpr std::size_t file_bytes_max = 1u << 20;

Status usage(std::string message) { return {Code::invalid_parameter, std::move(message)}; }

std::string at_line(const std::string& path, const toml::source_region& where) {
  std::string text;
  append_printable(text, path);
  return text + ":" + std::to_string(where.begin.line);
}

/// A string, whole number or truth value as the text that a flag would have; nothing for other types.
std::optional<std::string> as_text(const toml::node& node) {
  if (const auto* string = node.as_string()) return string->get();
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  return std::nullopt;
}

}  // namespace

Status OptionReader::read_file() {
  const auto* given = config_given();
  if (given == nullptr) return {};
  const auto path = given->texts.back();
  const auto content = read_small_file(path, file_bytes_max);
  if (!content) return usage(given->origin + ": cannot read " + in_quotes(path) + ": " + content.error().message());
  return read_toml(path, *content);
}

Status OptionReader::read_toml(const std::string& path, const std::string& content) {
  const auto result = toml::parse(content, path);
  if (!result) {
    // toml++'s own description may quote the file, where a secret may stand: say where, not what.
    const auto& begin = result.error().source().begin;
    return usage(at_line(path, result.error().source()) + ": is not TOML from column " + std::to_string(begin.column) +
                 " on (texts stand in quotes: listen = \"127.0.0.1:8080\")");
  }
  for (const auto& [key, node] : result.table()) {
    const auto line = at_line(path, key.source());
    std::string name(key.str());
    std::replace(name.begin(), name.end(), '_', '-');
    auto* option = name.size() > 1 ? find(name) : nullptr;
    const bool names_file = option == nullptr;
    if (names_file) option = find_by_file_name(name);
    if (option == nullptr || option->is_only_flag_ || option == table_.config_file_) {
      return usage(line + ": " + unknown("setting", key.str(), ""));
    }
    const auto origin = line + ": " + std::string(key.str());
    const auto* array = option->type_ == Option::Type::list ? node.as_array() : nullptr;
    std::vector<const toml::node*> values;
    if (array) {
      for (const auto& element : *array) values.push_back(&element);
    } else {
      values.push_back(&node);
    }
    for (const auto* value : values) {
      auto text = as_text(*value);
      if (!text) return usage(origin + ": must be a text, a whole number, or true or false");
      auto status = give(*option, Option::Source::file, origin, std::move(*text), names_file);
      if (!status) return status;
    }
  }
  return {};
}

}  // namespace tracking::apps
