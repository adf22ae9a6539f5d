// Pages of the manual, made from option tables: what man(1) shows is what --help says.
#pragma once

#include "options.h"

#include <string>
#include <utility>
#include <vector>

namespace tracking::apps {

/// What a page says beside its table.
struct ManPage {
  std::string name;     ///< "tracking-cli-subscribe"
  std::string section;  ///< "1", "8"
  std::string summary;  ///< after the name, in a line
  /// The program's verbs with what they do, if the page is about a program that has some.
  std::vector<std::pair<std::string, std::string>> verbs = {};
  std::vector<std::string> see_also = {};  ///< "tracking-cli(1)"
};

/// The page in roff, as man(7) has it.
std::string man_page(const ManPage& page, const OptionTable& table);

}  // namespace tracking::apps
