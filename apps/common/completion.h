// What a shell completes, made from option tables.
#pragma once

#include "options.h"

#include <string>
#include <vector>

namespace tracking::apps {

/// A verb of a program, with its table; a program without verbs is one without a name.
struct CompletedVerb {
  std::string name = {};
  std::string alias = {};
  std::string summary = {};
  const OptionTable* table = nullptr;
};

/// A program. What `verbs` point to outlives it.
struct CompletedProgram {
  std::string name;
  std::vector<CompletedVerb> verbs;
  /// What may stand instead of a verb: "--version".
  std::vector<std::string> other_words = {};
};

std::string bash_completion(const CompletedProgram& program);
std::string zsh_completion(const CompletedProgram& program);
std::string fish_completion(const CompletedProgram& program);

/// What completion knows of a flag.
struct CompletedFlag {
  enum class Value : std::uint8_t { none, free, word, file, directory };

  std::string name;  ///< without dashes
  char letter = 0;
  std::string help;  ///< its first sentence, without the full stop
  std::string value_name;
  Value value = Value::none;
  std::vector<std::string> words;  ///< what the value may be
  bool may_repeat = false;
};

/// The flags of a table that are not hidden, in its order.
std::vector<CompletedFlag> completed_flags(const OptionTable& table);

/// Words with blanks between.
std::string joined(const std::vector<std::string>& words);

/// A name for a shell's function: tracking_cli.
std::string identifier(std::string name);

}  // namespace tracking::apps
