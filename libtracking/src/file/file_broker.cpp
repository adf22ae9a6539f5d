#include "file/file_broker.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "codec/cursor.h"
#include "file/log_scan.h"
#include "file/recent.h"
#include "file/start.h"

namespace tracking::file_log {
namespace {

using history::EventHistory;

class FileBroker final : public Broker {
 public:
  FileBroker(const BrokerSettings& settings, std::unique_ptr<Store> store, Clock& clock)
      : store_(std::move(store)),
        live_(std::make_shared<EventHistory>(history::HistorySettings{.bytes_max = settings.live_bytes_max,
                                                                      .incarnation = store_->log_id(),
                                                                      .next_position = store_->next_position()},
                                             clock)),
        threads_(std::make_unique<ScanThreads>(settings.scans)),
        commit_(std::make_unique<GroupCommit>(*store_, live_, settings.commit, [this] { keep_house(); })) {}

  ~FileBroker() override {
    commit_->close(std::chrono::seconds(10)).ignore();
    if (commit_->has_ended()) return;
    // A call into the disk does not return: what that thread uses stays with it.
    static_cast<void>(commit_.release());
    static_cast<void>(threads_.release());
    static_cast<void>(store_.release());
  }

  void publish(Lines lines, Completion done) noexcept override { commit_->publish(lines, std::move(done)); }

  BrokerTraits traits() const noexcept override { return broker_traits; }

  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override;

  Status health() noexcept override { return commit_->health(); }

  BrokerStats stats() noexcept override {
    BrokerStats stats = live_->stats();
    stats.history_events = store_->next_position() - store_->oldest_position();
    stats.history_bytes = store_->bytes();
    return stats;
  }

  void recent(Timestamp since, std::size_t events_max, const RecentVisitor& visit) noexcept override {
    RecentProgress progress;
    // Who opens a service cannot be told that there was no memory, or that a read failed, and repeats would pass for
    // new: it is tried again. If it goes on for longer, only the log can say so.
    Status status;
    for (int tries = 0; tries < 5; ++tries) {
      status =
          unless_no_memory(Code::overloaded, [&] { return visit_recent(*store_, since, events_max, visit, progress); });
      if (status) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (status && !progress.is_incomplete) return;
    store_->say(LogLevel::error, [&] {
      return "the newest events could not all be read, and repeats of those will not be recognised: " +
             (status ? "some are damaged" : status.message());
    });
  }

  Status close(std::chrono::milliseconds deadline) noexcept override {
    Status status = commit_->close(deadline);
    live_->close();
    return status;
  }

 private:
  /// On the thread that writes: what takes time goes to another. Without memory it waits for the next time.
  void keep_house() noexcept {
    if (is_cleaning_.exchange(true)) return;
    const auto clean = [this] {
      has_memory_for([this] { store_->enforce_retention(); });
      is_cleaning_ = false;
    };
    if (!has_memory_for([&] { threads_->run(clean); })) is_cleaning_ = false;
  }

  std::unique_ptr<Store> store_;
  const std::shared_ptr<EventHistory> live_;
  std::atomic<bool> is_cleaning_{false};
  std::unique_ptr<ScanThreads> threads_;
  std::unique_ptr<GroupCommit> commit_;
};

Result<std::unique_ptr<Subscription>> FileBroker::subscribe(const SubscribeOptions& options, Wake wake) noexcept {
  return unless_no_memory(Code::overloaded, [&]() -> Result<std::unique_ptr<Subscription>> {
    auto start = find_start(*store_, *live_, options);
    if (!start) return start.error();
    if (start->is_live) return live_->open(options, std::move(wake), live_);
    const auto open_scan = [this, tail = start->tail](std::uint64_t position, const history::AccountFilter& filter,
                                                      Wake scan_wake) {
      return Result<std::unique_ptr<history::HistoryScan>>(
          make_log_scan(*store_, *threads_, position, filter, tail, std::move(scan_wake)));
    };
    return history::open_stored(live_, options, std::move(start->stored), open_scan, std::move(wake));
  });
}

}  // namespace

void BrokerSettings::adapt() {
  constexpr int steps = 16;
  constexpr std::uint64_t segment_bytes_least = 256 << 10;
  if (store.bytes_max > 0)
    store.segment_bytes = std::clamp(store.bytes_max / steps, segment_bytes_least, store.segment_bytes);
  if (store.retention.count() > 0) {
    const auto step = std::chrono::duration_cast<std::chrono::milliseconds>(store.retention / steps);
    commit.housekeeping_every = std::clamp(step, std::chrono::milliseconds(100), commit.housekeeping_every);
  }
}

Result<std::unique_ptr<Broker>> open_file_broker(const BrokerSettings& settings, FileSystem& files, Clock& clock,
                                                 const Log& log) {
  auto store = Store::open(settings.store, files, clock, log);
  if (!store) return store.error();
  return std::unique_ptr<Broker>(std::make_unique<FileBroker>(settings, std::move(*store), clock));
}

}  // namespace tracking::file_log
