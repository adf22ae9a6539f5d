// Shows deliveries on stdout.
#pragma once

#include "terminal.h"

#include <tracking/subscription.h>

#include <string>

namespace tracking::cli {

enum class Format : std::uint8_t { text, json, raw };

/// Each event is handed to the system on its own, at once. Used by one thread.
class Printer {
 public:
  /// What goes to a terminal, and text wherever it goes, is made safe to look at. json and raw are bytes as they came
  /// otherwise.
  Printer(Format format, bool has_color, bool is_terminal)
      : format_(format), has_color_(has_color), is_safe_needed_(is_terminal || format == Format::text) {}

  Written event(std::string_view line);
  /// Gaps are lines of the json format alone; everybody is told on stderr.
  Written gap(const Gap& gap);

 private:
  void append_text(const EventFields& fields);
  void append_json(std::string_view json);
  void append_colored(const char* color, std::string_view text);

  const Format format_;
  const bool has_color_;
  const bool is_safe_needed_;
  std::size_t account_width_ = 1;  // of the widest account so far
  std::string line_;
};

}  // namespace tracking::cli
