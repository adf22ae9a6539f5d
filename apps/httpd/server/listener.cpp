#include "server/listener.h"

#include <algorithm>
#include <thread>

#include "server/acceptor.h"
#include "server/loop.h"

namespace tracking::httpd {
namespace {

/// How long streams may take to send their end, of the time for the drain.
constexpr auto streams_end_max = std::chrono::seconds(2);

/// What bodies of NDJSON may have in flight together is meant for the process; each loop gets its share.
ListenerSettings with_shares_of(ListenerSettings settings, unsigned loops) {
  settings.limits.ndjson_together_max /= loops;
  settings.limits.ndjson_together_bytes_max /= loops;
  return settings;
}

}  // namespace

struct PublicListener::Impl {
  Impl(const ListenerSettings& settings, TrackingService& service, web::Ledger& ledger)
      : shared(settings, service, ledger) {}

  /// Waits until at most the streams (or nothing) are open; false at the deadline.
  bool wait_until_closed(bool are_streams_kept, SteadyTime deadline) {
    std::unique_lock lock(shared.mutex);
    return shared.closed.wait_until(lock, deadline, [&] {
      return shared.connections.load() <= (are_streams_kept ? shared.subscribers.load() : 0);
    });
  }
  /// Runs the task on the loop's thread, and waits for it.
  template <class Task>
  static void run_on(Loop& loop, Task task);

  Shared shared;
  std::vector<std::unique_ptr<LoopMetrics>> metrics;
  std::vector<std::unique_ptr<Loop>> loops;
  std::unique_ptr<Acceptor> acceptor;  // before the loop that it runs on
  bool is_started = false;
  bool is_drained = false;
};

template <class Task>
void PublicListener::Impl::run_on(Loop& loop, Task task) {
  std::mutex mutex;
  std::condition_variable done;
  bool has_run = false;
  loop.post([&] {
    task();
    const std::lock_guard lock(mutex);
    has_run = true;
    done.notify_one();
  });
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return has_run; });
}

PublicListener::PublicListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<PublicListener>> PublicListener::bind(const ListenerSettings& settings, TrackingService& service,
                                                             web::Ledger& ledger, Log log) {
  try {
    const unsigned threads = settings.threads ? settings.threads : std::max(1u, std::thread::hardware_concurrency());
    auto impl = std::make_unique<Impl>(with_shares_of(settings, threads), service, ledger);
    for (unsigned i = 0; i < threads; ++i) {
      impl->metrics.push_back(std::make_unique<LoopMetrics>());
      impl->loops.push_back(std::make_unique<Loop>(impl->shared, *impl->metrics.back()));
    }
    auto socket = Acceptor::bind(settings.address);
    if (!socket) return socket.error();
    impl->acceptor = std::make_unique<Acceptor>(std::move(*socket), impl->shared, impl->loops, *impl->metrics.front(),
                                                std::move(log));
    return std::unique_ptr<PublicListener>(new PublicListener(std::move(impl)));
  } catch (const std::exception& error) {
    return {Code::internal, "cannot listen on " + settings.address + ": " + error.what()};
  }
}

PublicListener::~PublicListener() {
  if (!impl_->is_started) return;
  if (!impl_->is_drained) drain(std::chrono::milliseconds(0));
  for (auto& loop : impl_->loops) loop->stop();
  for (auto& loop : impl_->loops) loop->join();
}

std::uint16_t PublicListener::port() const noexcept { return impl_->acceptor->port(); }

void PublicListener::start() {
  impl_->is_started = true;
  Loop& first = *impl_->loops.front();
  first.post([this] { impl_->acceptor->start(); });
  for (auto& loop : impl_->loops) loop->start();
}

bool PublicListener::is_alive() noexcept {
  bool are_all_alive = true;
  for (auto& loop : impl_->loops) are_all_alive = loop->has_come_round() && are_all_alive;
  return are_all_alive;
}

void PublicListener::set_draining() noexcept { impl_->shared.is_draining = true; }

bool PublicListener::drain(std::chrono::milliseconds deadline) {
  if (!impl_->is_started) return true;
  const SteadyTime start = std::chrono::steady_clock::now();
  const SteadyTime end = start + deadline;
  set_draining();
  impl_->is_drained = true;
  // In this order: whoever finds that nobody new is taken is told with each answer that it is the last.
  for (auto& loop : impl_->loops) Impl::run_on(*loop, [&] { loop->begin_drain(); });
  Impl::run_on(*impl_->loops.front(), [&] { impl_->acceptor->close(); });
  impl_->wait_until_closed(true, start + std::min(impl_->shared.settings.drain_grace, deadline / 4));
  for (auto& loop : impl_->loops) loop->close_idle();
  const bool are_requests_done = impl_->wait_until_closed(true, end);
  for (auto& loop : impl_->loops) loop->end_streams();
  const SteadyTime streams_end = std::chrono::steady_clock::now() + streams_end_max;
  if (impl_->wait_until_closed(false, are_requests_done ? std::min(end, streams_end) : end)) return true;
  for (auto& loop : impl_->loops) loop->cut_connections();
  return false;
}

const std::vector<std::unique_ptr<LoopMetrics>>& PublicListener::metrics() const noexcept { return impl_->metrics; }

}  // namespace tracking::httpd
