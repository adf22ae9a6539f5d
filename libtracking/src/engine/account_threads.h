// The threads of the account directory: one keeps the time, one watches for changes, the others ask the repository.
#pragma once

#include "engine/account_lookups.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tracking::engine {

/// Thread-safe. The threads share it, because one that hangs in the repository is left behind at close.
class AccountThreads : public std::enable_shared_from_this<AccountThreads> {
 public:
  /// `real` as in DirectoryDrive.
  AccountThreads(std::shared_ptr<AccountRepository> repository, const ServiceOptions& options, Clock* real);

  /// False: no thread to be had, or no memory; close() all the same.
  bool start() noexcept;
  /// Stops lookups and threads. Idempotent.
  void close() noexcept;

  AccountLookups& lookups() noexcept { return lookups_; }

  /// One call at a time of the instance that is not any thread's own.
  template <class Call>
  auto with_repository(Call call) {
    std::lock_guard lock(repository_mutex_);
    return call(*repository_);
  }

 private:
  struct Thread {
    std::thread thread;
    bool has_ended = false;
  };
  using Body = void (AccountThreads::*)(AccountRepository*) noexcept;

  bool start_thread(Body body, std::unique_ptr<AccountRepository> instance) noexcept;
  bool start_lookup_thread() noexcept;
  void look_up(AccountRepository* instance) noexcept;
  static Status ask(AccountRepository& repository, const LookupQuery& query, std::span<AccountState> answers) noexcept;
  void watch(AccountRepository* instance) noexcept;
  void keep_time(AccountRepository*) noexcept;
  void log_state() noexcept;
  void tell_state(const Status& health);
  /// True if it is time to stop.
  bool pause(std::chrono::milliseconds duration) noexcept;

  AccountLookups lookups_;
  const Log log_;
  const std::chrono::milliseconds stale_max_;

  std::mutex repository_mutex_;
  const std::shared_ptr<AccountRepository> repository_;  // called with repository_mutex_ held

  std::mutex mutex_;  // guards all that follows
  std::condition_variable stopping_;
  std::condition_variable ended_;
  std::vector<Thread> threads_;
  bool is_stopping_ = false;

  // Of the timekeeper.
  unsigned lookup_threads_ = 0;
  unsigned lookup_threads_max_;
  bool has_logged_loss_ = false;
  std::chrono::steady_clock::time_point last_logged_{};
};

}  // namespace tracking::engine
