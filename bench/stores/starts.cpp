#include <iostream>

#include "kill.h"
#include "meter.h"
#include "parts.h"
#include "workload.h"

namespace tracking::bench {
namespace {

constexpr std::uint64_t group_events = 5'000;
constexpr std::uint64_t more_events =
    200'000;  // behind each kill: what was written when it struck, and a segment's part

class Last final : public Visitor {
 public:
  void event(std::uint64_t position, AccountId, std::string_view) override { position_ = position; }
  void loss(std::uint64_t, std::uint64_t) override {}
  std::uint64_t position() const noexcept { return position_; }

 private:
  std::uint64_t position_ = 0;
};

double start_ms(const Contestant& contestant, const std::string& folder, const Workload& workload,
                std::uint64_t expected_next) {
  const Meter meter;
  const auto store = contestant.open(folder);
  Last last;
  store->read(store->next_position() - 1, last);
  store->append(workload.lines(store->next_position(), 1));
  const double took = meter.spent().seconds * 1e3;
  if (last.position() != expected_next - 1) throw StoreError("the newest event is not there");
  return took;
}

}  // namespace

void compare_starts(const Settings& settings) {
  const Workload workload(script_period);
  const auto first_events =
      static_cast<std::uint64_t>(static_cast<double>(settings.start_bytes) / workload.bytes_an_event());
  std::vector<std::vector<double>> starts_ms(settings.contestants.size());
  std::vector<std::unique_ptr<Folder>> folders;
  std::vector<std::uint64_t> next;
  for (std::size_t i = 0; i < starts_ms.size(); ++i) {
    folders.push_back(std::make_unique<Folder>(settings.folder));
    next.push_back(first_events + 1);
  }
  for (int round = 0; round < settings.rounds; ++round) {
    for (std::size_t i = 0; i < starts_ms.size(); ++i) {
      const Contestant& contestant = settings.contestants[i];
      const std::string& folder = folders[i]->path();
      if (round > 0) next[i] += more_events;
      write_and_die(contestant, folder, {.end = next[i], .group_events = group_events});
      starts_ms[i].push_back(start_ms(contestant, folder, workload, next[i]));
      ++next[i];
    }
  }
  for (std::size_t i = 0; i < starts_ms.size(); ++i) {
    expect_all(*settings.contestants[i].open(folders[i]->path()), workload, next[i] - 1);
  }

  std::cout << "\n| start after kill -9, " << (settings.start_bytes >> 20) << " MiB of events | ms |\n|---|---|\n";
  for (std::size_t i = 0; i < starts_ms.size(); ++i) {
    std::cout << "| " << settings.contestants[i].name << " | " << summary(starts_ms[i], 0) << " |\n";
  }
  std::cout.flush();
}

}  // namespace tracking::bench
