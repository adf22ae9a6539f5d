#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "kill.h"
#include "meter.h"
#include "parts.h"
#include "workload.h"

namespace tracking::bench {
namespace {

namespace fs = std::filesystem;

// Most of it is where it will stay (a segment that is complete, a sorted table, the database), the rest where a kill
// finds it (the open segment, the write-ahead logs).
constexpr Script script{.settled_end = 200'001, .end = 204'801, .group_events = 24};
constexpr std::uint64_t events_written = script.end - 1;
constexpr std::string_view event_end = R"("data":"foo"})";

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

/// In the data of the event in the middle of those that the file holds.
std::optional<std::size_t> middle_event(const std::string& content) {
  std::vector<std::size_t> ends;
  for (auto at = content.find(event_end); at != std::string::npos; at = content.find(event_end, at + 1))
    ends.push_back(at + event_end.find("foo"));
  if (ends.empty()) return std::nullopt;
  return ends[ends.size() / 2];
}

void flip(const fs::path& path, std::size_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int before = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(before ^ 1));
}

std::string describe(const Contestant& contestant, const std::string& folder, const Workload& workload) {
  std::unique_ptr<Store> store;
  try {
    store = contestant.open(folder);
  } catch (const StoreError& error) {
    return "| does not open | | | " + std::string(error.what()) + " |";
  }
  Seen seen;
  std::string end;
  try {
    seen = read_all(*store, workload, true);
  } catch (const StoreError& error) {
    end = error.what();
  }
  const std::uint64_t missing = events_written - std::min(events_written, seen.events);
  std::ostringstream row;
  row << "| " << missing << " | " << seen.told_lost << " | " << seen.wrong << " | "
      << (end.empty() ? (missing > seen.told_lost ? "nothing says so" : "") : end) << " |";
  return std::move(row).str();
}

/// "000012.sst" is one of many alike.
std::string kind_of(const fs::path& path) {
  return path.extension().empty() ? path.filename().string() : path.extension().string();
}

void damage_each_kind(const Settings& settings, const Contestant& contestant, const Workload& workload) {
  const Folder written(settings.folder);
  write_and_die(contestant, written.path(), script);
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(written.path())) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    const auto offset = middle_event(content_of(path));
    if (!offset) continue;
    const Folder damaged(settings.folder);
    fs::copy(written.path(), damaged.path(), fs::copy_options::recursive);
    flip(damaged.path() / path.filename(), *offset);
    std::cout << "| " << contestant.name << ", " << kind_of(path) << " "
              << describe(contestant, damaged.path(), workload) << std::endl;
  }
}

}  // namespace

void compare_damage(const Settings& settings) {
  const Workload workload(script_period);
  std::cout << "\n| a byte flipped, of " << events_written << " events | missing | told as missing | wrong | |\n"
            << "|---|---|---|---|---|\n";
  for (const Contestant& contestant : settings.contestants) damage_each_kind(settings, contestant, workload);
}

}  // namespace tracking::bench
