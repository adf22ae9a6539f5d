#include "engine/account_threads.h"

#include <algorithm>
#include <array>
#include <system_error>

namespace tracking::engine {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds tick_interval{50};
constexpr milliseconds watch_timeout{50};
constexpr milliseconds abandon_after{2000};
constexpr milliseconds log_interval{1000};

}  // namespace

AccountThreads::AccountThreads(std::shared_ptr<AccountRepository> repository, const ServiceOptions& options,
                               Clock* real)
    : lookups_(options, real),
      log_(options.log),
      stale_max_(options.account_stale_max),
      repository_(std::move(repository)),
      lookup_threads_max_(std::max(1U, options.account_lookup_threads)) {
  threads_.reserve(lookup_threads_max_ + 2);  // so that starting one cannot fail half-way
}

bool AccountThreads::start() noexcept {
  if (!start_lookup_thread()) return false;
  if (auto watcher = with_repository([](AccountRepository& repository) { return repository.another(); })) {
    start_thread(&AccountThreads::watch, std::move(watcher));
  }
  return start_thread(&AccountThreads::keep_time, nullptr);
}

bool AccountThreads::start_thread(Body body, std::unique_ptr<AccountRepository> instance) noexcept {
  std::lock_guard lock(mutex_);
  if (is_stopping_) return false;
  const std::size_t index = threads_.size();
  try {
    threads_.emplace_back();
    threads_[index].thread = std::thread([self = shared_from_this(), body, index, own = std::move(instance)]() mutable {
      ((*self).*body)(own.get());
      own.reset();
      std::lock_guard ending(self->mutex_);
      self->threads_[index].has_ended = true;
      self->ended_.notify_all();
    });
    return true;
  } catch (const std::exception&) {  // no thread to be had, or no memory
    threads_.pop_back();
    return false;
  }
}

/// Its own instance of the repository, or, if there can be only one, the one that administration uses.
bool AccountThreads::start_lookup_thread() noexcept {
  auto instance = with_repository([](AccountRepository& repository) { return repository.another(); });
  if (!instance) lookup_threads_max_ = 1;
  if (!start_thread(&AccountThreads::look_up, std::move(instance))) return false;
  ++lookup_threads_;
  return true;
}

void AccountThreads::close() noexcept {
  lookups_.close();
  std::unique_lock lock(mutex_);
  is_stopping_ = true;
  stopping_.notify_all();
  ended_.wait_for(lock, abandon_after, [this] {
    return std::all_of(threads_.begin(), threads_.end(), [](const Thread& thread) { return thread.has_ended; });
  });
  for (Thread& thread : threads_) {
    std::thread ending = std::move(thread.thread);
    if (!ending.joinable()) continue;
    if (!thread.has_ended) {
      ending.detach();
      continue;
    }
    lock.unlock();
    ending.join();
    lock.lock();
  }
}

bool AccountThreads::pause(milliseconds duration) noexcept {
  std::unique_lock lock(mutex_);
  return stopping_.wait_for(lock, duration, [this] { return is_stopping_; });
}

// --- Asking ----------------------------------------------------------------------------------------------------------

void AccountThreads::look_up(AccountRepository* instance) noexcept {
  LookupQuery query;
  std::array<AccountState, LookupQuery::ids_max> states;
  while (lookups_.take(query)) {
    const std::span<AccountState> answers(states.data(), query.count);
    const auto call = [&](AccountRepository& repository) { return ask(repository, query, answers); };
    const Status status = instance ? call(*instance) : with_repository(call);
    lookups_.answered(query, status, answers);
  }
}

Status AccountThreads::ask(AccountRepository& repository, const LookupQuery& query,
                           std::span<AccountState> answers) noexcept {
  if (query.is_probe) {
    Status status = repository.ping();
    // Whether lookups work again, only a lookup can tell.
    if (!status || !query.is_repository_lost) return status;
  }
  std::fill(answers.begin(), answers.end(), AccountState::unknown);
  return repository.find(query.ids(), answers);
}

// --- Watching --------------------------------------------------------------------------------------------------------

void AccountThreads::watch(AccountRepository* instance) noexcept {
  std::vector<AccountId> changed;
  milliseconds timeout{0};  // the first call only sees whether it can be watched
  for (;;) {
    changed.clear();
    const Steady::time_point called = Steady::now();
    const AccountWatch seen = instance->wait_for_changes(timeout, changed);
    const auto took = std::chrono::duration_cast<milliseconds>(Steady::now() - called);
    lookups_.watched(seen, changed);
    if (seen == AccountWatch::unsupported) return;
    // A repository that returns early without news must not make this thread spin.
    const bool is_early = seen != AccountWatch::some && took < watch_timeout;
    if (is_early ? pause(watch_timeout - took) : lookups_.is_closed()) return;
    timeout = watch_timeout;
  }
}

// --- Keeping the time ------------------------------------------------------------------------------------------------

void AccountThreads::keep_time(AccountRepository*) noexcept {
  while (!pause(tick_interval)) {
    lookups_.tick();
    if (lookup_threads_ < lookup_threads_max_ && lookups_.has_backlog()) start_lookup_thread();
    log_state();
  }
}

/// One line for each change of state, and not more than one a second.
void AccountThreads::log_state() noexcept {
  const Status health = lookups_.health();
  const bool is_lost = lookups_.has_been_asked() && !health;
  if (is_lost == has_logged_loss_ || Steady::now() - last_logged_ < log_interval) return;
  has_logged_loss_ = is_lost;
  last_logged_ = Steady::now();
  if (!log_) return;
  try {
    tell_state(health);
  } catch (const std::bad_alloc&) {
    // then it is not told
  }
}

void AccountThreads::tell_state(const Status& health) {
  if (!health) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(stale_max_).count();
    log_(LogLevel::warning,
         "accounts: " + health.message() + " Answers that are known hold for " + std::to_string(seconds) + " s more.");
  } else {
    log_(LogLevel::info, "accounts: the repository answers again");
  }
}

}  // namespace tracking::engine
