// faults_simulation [--seeds N] [--from S] [--seed S] [--told]
// Runs seeds one after the other, on all cores, those that once found something first; the first that breaks a promise
// is named, with the command that replays it. One seed in a hundred is run twice: both must be the same to the last
// detail.
#include <atomic>
#include <charconv>
#include <iostream>
#include <iterator>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "faults/simulation/world.h"

namespace {

using tracking::simulation::Broken;
using tracking::simulation::Journal;
using tracking::simulation::World;

/// Each of these broke a promise once. (A change of what the simulation does makes other runs of them.)
constexpr std::uint64_t found[] = {
    2'000'361'692,  // an answer that came 29 s late was believed, for an account that had become inactive
    2'000'545'775,  // the same, and an event of an active account was refused
    3'000'233'679,  // such an answer undid a change that was made here in the millisecond in which it was asked for
};

std::uint64_t run(std::uint64_t seed, bool is_told) {
  Journal journal(is_told);
  World(seed, journal).run();
  return journal.fingerprint();
}

void run_and_compare(std::uint64_t seed, bool is_told) {
  const std::uint64_t fingerprint = run(seed, is_told);
  constexpr std::uint64_t compared_every = 100;
  if (seed % compared_every == 0 && run(seed, false) != fingerprint)
    throw Broken("two runs of the seed were not the same");
}

/// Hands out seeds to threads, and keeps the first failure.
class Runs {
 public:
  Runs(std::uint64_t first, std::uint64_t count) : first_(first), count_(count) {}

  void go(unsigned threads) {
    std::vector<std::thread> running;
    for (unsigned i = 0; i < threads; ++i) running.emplace_back([this] { run_some(); });
    for (std::thread& thread : running) thread.join();
  }
  bool report(const std::string& program) const {
    if (!failed_seed_) return true;
    std::cerr << "seed " << *failed_seed_ << ": " << failure_ << "\nreplay: " << program << " --seed " << *failed_seed_
              << " --told\n";
    return false;
  }

 private:
  void run_some() {
    for (;;) {
      const std::uint64_t number = next_++;
      if (number >= std::size(found) + count_ || has_failed_) return;
      const std::uint64_t seed = number < std::size(found) ? found[number] : first_ + number - std::size(found);
      try {
        run_and_compare(seed, false);
      } catch (const std::exception& exception) {
        has_failed_ = true;
        const std::lock_guard lock(mutex_);
        if (failed_seed_ && *failed_seed_ < seed) continue;
        failed_seed_ = seed;
        failure_ = exception.what();
      }
    }
  }

  const std::uint64_t first_;
  const std::uint64_t count_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> has_failed_{false};
  std::mutex mutex_;
  std::optional<std::uint64_t> failed_seed_;  // guarded by mutex_
  std::string failure_;                       // guarded by mutex_
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 3'000;
  bool is_told = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--told") {
      is_told = true;
      continue;
    }
    const std::string_view value = i + 1 < argc ? argv[++i] : "";
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_known = flag == "--seeds" || flag == "--from" || flag == "--seed";
    if (!is_known || error != std::errc() || end != value.data() + value.size()) {
      std::cerr << "usage: " << argv[0] << " [--seeds N] [--from S] [--seed S] [--told]\n";
      return 2;
    }
    (flag == "--seeds" ? count : first) = number;
    if (flag == "--seed") count = 1;
  }
  if (is_told && count == 1) {
    try {
      run_and_compare(first, true);
    } catch (const std::exception& exception) {
      std::cerr << "seed " << first << ": " << exception.what() << '\n';
      return 1;
    }
    return 0;
  }
  std::cout << count << " seeds from " << first << " on\n";
  Runs runs(first, count);
  runs.go(std::max(1U, std::thread::hardware_concurrency()));
  return runs.report(argv[0]) ? 0 : 1;
}
