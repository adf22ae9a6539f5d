// The durable log in process: appending, reading it all again, and starting after a kill. Every run checks what came.
//
// TRACKING_BENCH_DIR says on which disk (default: the temporary folder).
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <tracking/file.h>
#include <tracking/tracking.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using tracking::AckLevel;

constexpr std::size_t batch_events = 1'000;
constexpr std::string_view example_data = R"({"page":"/start","ms":12})";

/// A folder of its own, removed afterwards.
class Folder {
 public:
  Folder() {
    const char* const chosen = std::getenv("TRACKING_BENCH_DIR");
    const std::filesystem::path parent = chosen ? chosen : std::filesystem::temp_directory_path();
    path_ = (parent / "tracking-bench-XXXXXX").string();
    if (!::mkdtemp(path_.data())) std::abort();
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<tracking::TrackingService> open_service(const Folder& folder) {
  auto service = tracking::TrackingService::open(
      {.accounts = "memory:?active=1", .broker = "file:" + folder.path() + "/log?retention=none&max_size=none"},
      {tracking::file()});
  return std::move(service.value());
}

/// Tracks with several batches under way, as an event loop would, and says whether each event was stored.
class Writer {
 public:
  explicit Writer(tracking::TrackingService& service)
      : service_(service), events_(batch_events, {.account_id = 1, .data = tracking::Data::trusted(example_data)}) {}

  bool write(std::uint64_t batches) {
    std::atomic<std::uint64_t> done{0};
    std::atomic<bool> is_right{true};
    for (std::uint64_t sent = 0; sent < batches; ++sent) {
      while (sent - done > under_way_max) std::this_thread::yield();
      service_.track(events_,
                     [&](std::span<const tracking::Receipt> receipts) {
                       for (const tracking::Receipt& receipt : receipts) {
                         if (receipt.code != tracking::Code::ok || receipt.ack != AckLevel::stored) is_right = false;
                       }
                       ++done;
                     },
                     {.ack = AckLevel::stored});
    }
    while (done < batches) std::this_thread::yield();
    return is_right;
  }

 private:
  static constexpr std::uint64_t under_way_max = 16;
  tracking::TrackingService& service_;
  const std::vector<tracking::Event> events_;
};

void append(benchmark::State& state) {
  const Folder folder;
  const auto service = open_service(folder);
  Writer writer(*service);
  constexpr std::uint64_t batches = 100;
  for (auto _ : state) {
    if (!writer.write(batches)) return state.SkipWithError("an event was not stored");
  }
  const auto events = static_cast<std::uint64_t>(state.iterations()) * batches * batch_events;
  if (service->stats().broker.history_events != events) return state.SkipWithError("the log holds another number");
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
}
BENCHMARK(append)->UseRealTime()->Unit(benchmark::kMillisecond);

void replay(benchmark::State& state) {
  constexpr std::uint64_t batches = 1'000;
  const Folder folder;
  const auto service = open_service(folder);
  if (!Writer(*service).write(batches)) return state.SkipWithError("an event was not stored");
  for (auto _ : state) {
    const auto subscriber = service->subscribe({.since = "all", .follow = false}).value();
    std::uint64_t count = 0;
    while (!subscriber->is_ended()) {
      subscriber->next_batch(10s, [&](const tracking::Deliveries& batch) {
        for (const tracking::DeliveryView& view : batch) count += view.gap == nullptr;
      });
    }
    if (count != batches * batch_events) return state.SkipWithError("not every event came");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batches * batch_events));
}
BENCHMARK(replay)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Writes in a process that kills itself as soon as all is acknowledged.
bool write_and_die(const Folder& folder, std::uint64_t bytes) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto service = open_service(folder);
    Writer writer(*service);
    const std::uint64_t before = service->stats().broker.history_bytes;
    while (service->stats().broker.history_bytes < before + bytes) {
      if (!writer.write(10)) ::_exit(1);
    }
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

// A gibibyte, of which the last segment is not complete; until an event is stored, and the one before it can be read.
void start_after_a_kill(benchmark::State& state) {
  const Folder folder;
  constexpr std::uint64_t log_bytes = std::uint64_t{1} << 30;
  constexpr std::uint64_t more_bytes = 48 << 20;
  if (!write_and_die(folder, log_bytes)) return state.SkipWithError("the log was not written");
  for (auto _ : state) {
    if (!write_and_die(folder, more_bytes)) return state.SkipWithError("the log was not written");
    const auto begun = std::chrono::steady_clock::now();
    const auto service = open_service(folder);
    const auto tail = service->subscribe({.since = "now", .tail = 1}).value()->next(10s);
    const auto receipt = service->track({.account_id = 1, .data = "1"});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (!tail || !tail->event() || !receipt || receipt->ack != AckLevel::stored)
      return state.SkipWithError("it does not work");
    state.SetIterationTime(took.count());
  }
}
BENCHMARK(start_after_a_kill)->UseManualTime()->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
