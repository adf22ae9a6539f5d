// docs/CONFIGURATION.md, generated from the option table.
#pragma once

#include <string>

namespace tracking::httpd {

/// The whole file.
std::string configuration_markdown();

}  // namespace tracking::httpd
