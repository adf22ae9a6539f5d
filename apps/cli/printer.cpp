#include "printer.h"

#include <algorithm>

namespace tracking::cli {
namespace {

constexpr const char* dim = "\x1b[2m";
constexpr const char* cyan = "\x1b[36m";
constexpr const char* normal = "\x1b[0m";

// The timestamp as the server wrote it: it stands behind the id and the account, whose text cannot contain it.
std::string_view timestamp_text(std::string_view line) {
  constexpr std::string_view name = "\"timestamp\":\"";
  const auto start = line.find(name);
  if (start == std::string_view::npos) return "-";
  const auto rest = line.substr(start + name.size());
  return rest.substr(0, rest.find('"'));
}

}  // namespace

Written Printer::event(std::string_view line) {
  line_.clear();
  if (format_ == Format::json) {
    append_json(line);
  } else {
    const auto fields = parse_event_line(line);
    if (!fields) return Written::ok;  // the subscription checked it
    if (format_ == Format::text) {
      append_colored(dim, timestamp_text(line));
      append_text(*fields);
    } else {
      append_json(fields->data);
    }
  }
  line_.push_back('\n');
  return write_stdout(line_);
}

void Printer::append_text(const EventFields& fields) {
  const std::string account = std::to_string(fields.account_id);
  account_width_ = std::max(account_width_, account.size());
  line_.append(2 + account_width_ - account.size(), ' ');
  append_colored(cyan, account);
  line_.append("  ");
  append_json(fields.data);
}

void Printer::append_json(std::string_view json) {
  if (is_safe_needed_) {
    append_safe_json(line_, json);
  } else {
    line_.append(json);
  }
}

void Printer::append_colored(const char* color, std::string_view text) {
  if (has_color_) line_.append(color);
  line_.append(text);
  if (has_color_) line_.append(normal);
}

Written Printer::gap(const Gap& gap) {
  if (format_ != Format::json) return Written::ok;
  line_.clear();
  append_json(to_json(gap));
  line_.push_back('\n');
  return write_stdout(line_);
}

}  // namespace tracking::cli
