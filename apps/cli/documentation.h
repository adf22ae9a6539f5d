// The manual and what shells complete, for scripts/generate.sh.
#pragma once

#include "verb.h"

#include <string_view>

namespace tracking::cli {

/// Prints one document: "man" is the program's page and "man-VERB" a verb's; "bash", "zsh" and "fish" are completions.
/// Returns the exit code.
int print_documentation(std::string_view name, std::span<const Verb> verbs);

}  // namespace tracking::cli
