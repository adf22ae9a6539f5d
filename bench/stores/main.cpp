// bench_stores [--folder DIR] [--rounds N] [--start-mib N] [--only NAME]... [--part rates|starts|damage]...
// Puts the same events through the durable log's own store, RocksDB and SQLite, in alternation. docs/DURABLE_LOG.md
// says what it was for and what came of it.
#include <algorithm>
#include <charconv>
#include <exception>
#include <filesystem>
#include <iostream>

#include "kill.h"
#include "parts.h"

namespace {

using tracking::bench::Contestant;
using tracking::bench::Settings;

constexpr std::string_view usage =
    "usage: bench_stores [--folder DIR] [--rounds N] [--start-mib N] [--only NAME]... [--part "
    "rates|starts|damage]...\n";

struct Wanted {
  Settings settings{.folder = std::filesystem::temp_directory_path().string()};
  std::vector<std::string> names;
  std::vector<std::string> parts;

  bool has(const std::string& part) const {
    return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
  }
};

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

bool parse(int argc, char** argv, Wanted& wanted) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    std::uint64_t mebibytes = 0;
    if (flag == "--folder") {
      wanted.settings.folder = value;
    } else if (flag == "--only") {
      wanted.names.push_back(value);
    } else if (flag == "--part") {
      wanted.parts.push_back(value);
    } else if (flag == "--start-mib" && parse(value, mebibytes)) {
      wanted.settings.start_bytes = mebibytes << 20;
    } else if (flag != "--rounds" || !parse(value, wanted.settings.rounds)) {
      return false;
    }
  }
  return true;
}

std::vector<Contestant> all_contestants() {
  std::vector<Contestant> all{tracking::bench::file_contestant()};
  for (Contestant& contestant : tracking::bench::rocksdb_contestants()) all.push_back(std::move(contestant));
  for (Contestant& contestant : tracking::bench::sqlite_contestants()) all.push_back(std::move(contestant));
  return all;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && argv[1] == std::string_view("--write"))
    return tracking::bench::run_writer(all_contestants(), std::span(argv, static_cast<std::size_t>(argc)).subspan(2));
  Wanted wanted;
  if (!parse(argc, argv, wanted)) {
    std::cerr << usage;
    return 2;
  }
  for (Contestant& contestant : all_contestants()) {
    const auto& names = wanted.names;
    if (names.empty() || std::find(names.begin(), names.end(), contestant.name) != names.end())
      wanted.settings.contestants.push_back(std::move(contestant));
  }
  Settings timed = wanted.settings;
  std::erase_if(timed.contestants, [](const Contestant& one) { return one.differs_only_in_recovery; });
  if (wanted.has("rates")) tracking::bench::compare_rates(timed);
  if (wanted.has("starts")) tracking::bench::compare_starts(timed);
  if (wanted.has("damage")) tracking::bench::compare_damage(wanted.settings);
  return 0;
} catch (const std::exception& exception) {
  std::cerr << "bench_stores: " << exception.what() << '\n';
  return 1;
}
