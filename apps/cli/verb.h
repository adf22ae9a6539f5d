// The verbs of tracking-cli. Each is a file; main() knows them by this table alone.
#pragma once

#include <functional>
#include <span>

namespace tracking::apps {
class OptionTable;
}

namespace tracking::cli {

/// The arguments after the verb.
using Arguments = std::span<const char* const>;

/// Gets a verb's table of options; it lives during the call.
using TableReader = std::function<void(const apps::OptionTable& table)>;

struct Verb {
  const char* name;
  const char* alias;  ///< or an empty text
  const char* summary;
  int (*run)(Arguments arguments);  ///< returns the exit code
  void (*describe)(const TableReader& read);
};

int run_subscribe(Arguments arguments);
int run_track(Arguments arguments);
int run_verify(Arguments arguments);
int run_bench(Arguments arguments);
int run_accounts(Arguments arguments);

// For the manual and for what shells complete.
void describe_subscribe(const TableReader& read);
void describe_track(const TableReader& read);
void describe_verify(const TableReader& read);
void describe_bench(const TableReader& read);
void describe_accounts(const TableReader& read);

}  // namespace tracking::cli
