// The verbs of tracking-cli. Each is a file; main() knows them by this table alone.
#pragma once

#include <span>

namespace tracking::cli {

/// The arguments after the verb.
using Arguments = std::span<const char* const>;

struct Verb {
  const char* name;
  const char* alias;  ///< or an empty text
  const char* summary;
  int (*run)(Arguments arguments);  ///< returns the exit code
};

int run_subscribe(Arguments arguments);
int run_track(Arguments arguments);
int run_verify(Arguments arguments);
int run_bench(Arguments arguments);
int run_accounts(Arguments arguments);

}  // namespace tracking::cli
