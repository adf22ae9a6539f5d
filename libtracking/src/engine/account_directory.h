// What the engine knows of accounts: a cache in front of the repository, the threads that ask it, and the events that
// wait for an answer.
#pragma once

#include <tracking/account.h>
#include <tracking/backends.h>
#include <tracking/clock.h>
#include <tracking/service.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tracking::engine {

enum class AccountAnswer : std::uint8_t {
  unknown,
  inactive,
  active,
  must_wait,    ///< not known here: park the event
  unavailable,  ///< not known, and the repository does not answer: refused at once, never a guess
  overloaded,   ///< too many events wait already
  closed,
};

/// Refused without anything being known of the account.
inline bool is_failure(AccountAnswer answer) noexcept {
  return answer == AccountAnswer::unavailable || answer == AccountAnswer::overloaded || answer == AccountAnswer::closed;
}

struct Parked;

/// Whoever parks events: a lane.
class ParkedTarget {
 public:
  /// The accounts of these events are known now (parked[i]->answer: never must_wait). On a thread of the directory, or
  /// on the one that calls close(); several may call at once, but never for one account; no lock is held. In the order
  /// in which they were parked, per account. The nodes are the target's again. It must not call close().
  virtual void resolved(std::span<Parked* const> parked) noexcept = 0;

 protected:
  ~ParkedTarget() = default;
};

/// An event that waits for its account; owned by its target, linked into the directory while parked.
struct Parked {
  AccountId account_id = 0;
  AccountAnswer answer = AccountAnswer::must_wait;
  ParkedTarget* target = nullptr;
  Parked* next = nullptr;
};

/// What makes a directory go. A simulation does it by hand: without threads, and with a real time of its own.
struct DirectoryDrive {
  bool has_threads = true;         ///< else the caller does what AccountThreads would do, with lookups()
  Clock* real = &Clock::system();  ///< how long a thread has been away is a matter of real time; outlives the directory
};

class AccountLookups;

/// Thread-safe. find() and park() take no lock that is ever held during a query or a call to a target, and a hit takes
/// none and allocates nothing.
class AccountDirectory {
 public:
  /// Throws std::bad_alloc if there is no memory or no thread to be had.
  AccountDirectory(std::shared_ptr<AccountRepository> repository, const ServiceOptions& options,
                   DirectoryDrive drive = {});
  ~AccountDirectory();

  /// What is known now: unknown, inactive, active; else must_wait: call park().
  AccountAnswer find(AccountId id) noexcept;
  struct Found {
    AccountAnswer answer = AccountAnswer::must_wait;
    bool is_stale = false;  ///< it is old, and used because the repository does not answer
  };
  /// The same, for who counts what was found itself, and tells it by count().
  Found look(AccountId id) noexcept;
  void count(std::size_t found, std::size_t stale) noexcept;
  /// Whether what is known is more than the processor's caches are likely to hold: then prefetch() pays.
  bool is_beyond_processor_cache() const noexcept;
  /// Starts to fetch from memory what find(id) will read. Worth it some dozens of lookups ahead.
  void prefetch(AccountId id) const noexcept;

  /// Parks an event. must_wait: it is parked, and its target will be called, maybe before this returns; any other
  /// answer: it is not parked, and that is the answer. An account's entry becomes visible to find() only after all
  /// events parked for it were handed back, so that no later event of that account overtakes them.
  AccountAnswer park(Parked& parked) noexcept;

  // Administration: blocks; the change is in force here when it returns.
  Result<std::vector<Account>> list(AccountId after, std::size_t limit);
  Result<Account> get(AccountId id);
  Status add(const Account& account);
  Result<Account> change(AccountId id, const AccountChange& change);
  Status remove(AccountId id);

  /// Ok if the repository answered when it was last asked (it is asked at least every second in the background).
  Status health() noexcept;
  /// Fills in lookups_*, repository_queries, accounts_cached, events_parked, account_change*.
  void add_stats(ServiceStats& stats) noexcept;

  /// Hands every parked event back as `closed` and stops the threads; one that a repository does not let go within two
  /// seconds is left behind, and does no harm. Idempotent.
  void close() noexcept;

  /// For who drives it by hand.
  AccountLookups& lookups() noexcept;

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;  // shared with threads that had to be left behind
};

/// The lookups of one batch, for as long as it is sorted out: what was found for one event holds for the next one of
/// the same account, and all of it is counted at the end. One thread.
class BatchLookups {
 public:
  explicit BatchLookups(AccountDirectory& directory) noexcept : directory_(directory) {}
  ~BatchLookups() {
    if (found_ > 0) directory_.count(found_, stale_);
  }
  BatchLookups(const BatchLookups&) = delete;
  BatchLookups& operator=(const BatchLookups&) = delete;

  /// As AccountDirectory::find().
  AccountAnswer find(AccountId id) noexcept {
    if (id != last_id_ || last_.answer == AccountAnswer::must_wait) {
      last_ = directory_.look(id);
      last_id_ = id;
    }
    found_ += last_.answer != AccountAnswer::must_wait;
    stale_ += last_.is_stale;
    return last_.answer;
  }

 private:
  AccountDirectory& directory_;
  AccountId last_id_ = 0;
  AccountDirectory::Found last_;
  std::size_t found_ = 0;
  std::size_t stale_ = 0;
};

}  // namespace tracking::engine
