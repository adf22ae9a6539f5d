// What is generated from the option table: docs/CONFIGURATION.md, the page of the manual, what shells complete.
#pragma once

#include <string>
#include <string_view>

namespace tracking::httpd {

/// A whole file: "markdown", "man", "bash", "zsh" or "fish".
std::string document(std::string_view name);

}  // namespace tracking::httpd
