#include <iostream>
#include <map>

#include "meter.h"
#include "parts.h"
#include "workload.h"

namespace tracking::bench {
namespace {

struct Size {
  std::uint64_t group_events;
  std::uint64_t groups;
};
// So many that each takes a third of a second or so where a sync takes half a millisecond.
constexpr Size sizes[] = {{1, 400}, {24, 400}, {1'000, 200}};
constexpr std::uint64_t events_most = 200'000;
constexpr int replays = 3;

struct Samples {
  std::vector<double> events_a_second;
  std::vector<double> cpu_us_an_event;
  std::vector<double> bytes_a_byte;
};
struct Rates {
  std::map<std::uint64_t, Samples> appended;  // by the events of a group
  std::vector<double> replayed;               // million events a second
  std::vector<double> replay_cpu_ns;
};

void append(Store& store, const Workload& workload, const Size& size, Samples& samples) {
  const std::uint64_t events = size.group_events * size.groups;
  const Meter meter;
  append_until(store, workload, events + 1, size.group_events);
  const double seconds = meter.spent().seconds;
  store.settle();  // put off, not saved: CPU and bytes count
  const Spent spent = meter.spent();
  expect_all(store, workload, events);
  const auto count = static_cast<double>(events);
  samples.events_a_second.push_back(count / seconds);
  samples.cpu_us_an_event.push_back(spent.cpu_seconds * 1e6 / count);
  samples.bytes_a_byte.push_back(static_cast<double>(spent.bytes_written) / (count * workload.bytes_an_event()));
}

void replay(Store& store, const Workload& workload, Rates& rates) {
  const Meter meter;
  std::uint64_t events = 0;
  for (int i = 0; i < replays; ++i) events += read_all(store, workload, false).events;
  const Spent spent = meter.spent();
  if (events != replays * events_most) throw StoreError("not every event came back");
  rates.replayed.push_back(static_cast<double>(events) / spent.seconds / 1e6);
  rates.replay_cpu_ns.push_back(spent.cpu_seconds * 1e9 / static_cast<double>(events));
}

void measure(const Settings& settings, const Contestant& contestant, const Workload& workload, Rates& rates) {
  for (const Size& size : sizes) {
    const Folder folder(settings.folder);
    const auto store = contestant.open(folder.path());
    append(*store, workload, size, rates.appended[size.group_events]);
    if (size.group_events * size.groups == events_most) replay(*store, workload, rates);
  }
}

}  // namespace

void compare_rates(const Settings& settings) {
  const Workload workload(events_most);
  std::vector<Rates> rates(settings.contestants.size());
  std::vector<double> syncs_ms;
  for (int round = 0; round < settings.rounds; ++round) {
    const Folder folder(settings.folder);
    syncs_ms.push_back(sync_ms(folder.path()));
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const std::size_t which = round % 2 == 0 ? i : rates.size() - 1 - i;  // forth and back
      measure(settings, settings.contestants[which], workload, rates[which]);
    }
  }

  std::cout << "fdatasync of 4 KiB: " << summary(syncs_ms, 2) << " ms; an event is "
            << static_cast<int>(workload.bytes_an_event()) << " bytes; " << settings.rounds << " rounds\n";
  for (const Size& size : sizes) {
    std::cout << "\n| " << size.group_events << " a group | events/s | CPU an event, µs | bytes written a byte |\n"
              << "|---|---|---|---|\n";
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const Samples& samples = rates[i].appended[size.group_events];
      std::cout << "| " << settings.contestants[i].name << " | " << summary(samples.events_a_second, 0) << " | "
                << summary(samples.cpu_us_an_event, 2) << " | " << summary(samples.bytes_a_byte, 1) << " |\n";
    }
  }
  std::cout << "\n| replay | million events/s | CPU an event, ns |\n|---|---|---|\n";
  for (std::size_t i = 0; i < rates.size(); ++i) {
    std::cout << "| " << settings.contestants[i].name << " | " << summary(rates[i].replayed, 2) << " | "
              << summary(rates[i].replay_cpu_ns, 0) << " |\n";
  }
  std::cout.flush();
}

}  // namespace tracking::bench
