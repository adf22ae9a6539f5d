#include "kill.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "workload.h"

namespace tracking::bench {
namespace {

constexpr std::uint64_t settled_group = 1'000;

void write(const Contestant& contestant, const std::string& folder, const Script& script) {
  const Workload workload(script_period);
  Store* const store = contestant.open(folder).release();  // left open: it is as it is when the kill comes
  if (script.settled_end > 0) {
    append_until(*store, workload, script.settled_end, settled_group);
    store->settle();
  }
  append_until(*store, workload, script.end, script.group_events);
}

}  // namespace

void write_and_die(const Contestant& contestant, const std::string& folder, const Script& script) {
  std::string words[] = {"bench_stores",
                         "--write",
                         contestant.name,
                         folder,
                         std::to_string(script.settled_end),
                         std::to_string(script.end),
                         std::to_string(script.group_events)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments.data(), ::environ) != 0)
    throw StoreError("cannot start a process");
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) throw StoreError("what was to be killed failed");
}

int run_writer(const std::vector<Contestant>& contestants, std::span<char* const> arguments) {
  constexpr std::size_t wanted = 5;
  if (arguments.size() != wanted) return 2;
  for (const Contestant& contestant : contestants) {
    if (contestant.name != arguments[0]) continue;
    write(contestant, arguments[1],
          {.settled_end = std::stoull(arguments[2]),
           .end = std::stoull(arguments[3]),
           .group_events = std::stoull(arguments[4])});
    ::raise(SIGKILL);
  }
  return 1;
}

}  // namespace tracking::bench
