// Which accounts are being asked for, who waits for them, and what becomes of the answers. No threads here and no
// repository: the directory's threads bring both.
#pragma once

#include "engine/account_cache.h"
#include "engine/account_directory.h"
#include "engine/account_freshness.h"
#include "engine/striped_counter.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tracking::engine {

/// What a lookup thread is to do.
struct LookupQuery {
  static constexpr std::size_t ids_max = 1'000;  ///< as many as AccountRepository::find takes

  std::span<const AccountId> ids() const noexcept { return {storage.data(), count}; }  ///< ask for these
  void add(AccountId id) noexcept { storage[count++] = id; }

  std::array<AccountId, ids_max> storage;  ///< in place, so that a thread that looks up needs no memory
  std::size_t count = 0;                   ///< of ids
  bool is_probe = false;                   ///< only see whether the repository answers; there is one id to try
  bool is_repository_lost = false;
  Ticks started = 0;
  std::uint64_t number = 0;
};

AccountAnswer answer_of(AccountState state) noexcept;

/// Thread-safe.
class AccountLookups {
 public:
  /// A query that takes longer is given up by those who wait for it. The answer is remembered if it comes after all, as
  /// one of the time when it was asked for.
  static constexpr std::chrono::milliseconds silence_max{500};
  /// A watch that does not return for so long counts as lost.
  static constexpr std::chrono::milliseconds watch_silence_max{1000};
  /// How often the repository is asked for a sign of life: while it answers, and while it does not.
  static constexpr std::chrono::milliseconds probe_interval{1000};
  static constexpr std::chrono::milliseconds probe_interval_lost{250};
  /// Accounts being read again at one time without an event that waits.
  static constexpr std::size_t refreshes_max = 10'000;

  /// `real` as in DirectoryDrive.
  AccountLookups(const ServiceOptions& options, Clock* real);

  // For everyone; see AccountDirectory.
  AccountDirectory::Found look(AccountId id) noexcept;
  void count(std::size_t found, std::size_t stale) noexcept;
  AccountAnswer park(Parked& parked) noexcept;
  bool is_beyond_processor_cache() const noexcept { return known_.is_beyond_processor_cache(); }
  void prefetch(AccountId id) const noexcept { known_.prefetch(id); }
  Status health() noexcept;
  bool has_been_asked() noexcept;
  void add_stats(ServiceStats& stats) noexcept;
  /// An account was changed: what was asked before now is wrong. `state` is what it is since, if that is known.
  void account_changed(AccountId id, std::optional<AccountState> state) noexcept;
  /// Hands every parked event back as closed; from now on take() returns false.
  void close() noexcept;

  // For the lookup threads.
  /// Accounts wait to be asked for, because all lookup threads are busy.
  bool has_backlog() noexcept;
  /// Waits for something to do; false when closed.
  bool take(LookupQuery& query) noexcept;
  /// The same without waiting: false if there is nothing to do.
  bool try_take(LookupQuery& query) noexcept;
  /// What came of it: `states` belongs to query.ids if `status` is ok. Calls targets.
  void answered(const LookupQuery& query, const Status& status, std::span<const AccountState> states) noexcept;

  // For the thread that watches for changes.
  void watched(AccountWatch watch, std::span<const AccountId> changed) noexcept;

  // For the timekeeper, every few dozen milliseconds. Calls targets.
  void tick() noexcept;
  bool is_closed() const noexcept { return is_closed_.load(std::memory_order_acquire); }

 private:
  using Lock = std::unique_lock<std::mutex>;

  /// An account that is asked for. While events wait for it (or are being handed back), the caches hold no entry of it,
  /// so that find() cannot let a later event pass them.
  struct Flight {
    enum class Phase : std::uint8_t { queued, asked, settling };
    AccountId id = 0;
    Phase phase = Phase::queued;
    bool is_overtaken = false;  // changed after its query was sent
    bool is_failed = false;     // settling without an answer
    bool lands = true;          // settled, it is over; else its query still runs
    AccountAnswer answer = AccountAnswer::must_wait;
    std::uint64_t query = 0;
    Parked* first = nullptr;  // the events that wait, oldest first
    Parked* last = nullptr;
    std::optional<Remembered> previous;  // what the caches held before events waited
    std::optional<Remembered> result;    // to be remembered when it lands
    std::chrono::nanoseconds change_seen{-1};
    Flight* next_settling = nullptr;
  };
  struct Running {
    std::uint64_t number;
    std::chrono::nanoseconds started;
  };

  void ask_refresh(AccountId id) noexcept;

  // All that follows: with the lock held.
  Ticks now() noexcept { return freshness_.now(clock_->steady()); }
  void append(Flight& flight, Parked& parked) noexcept;
  bool launch_refresh(AccountId id, std::chrono::nanoseconds change_seen) noexcept;
  std::optional<Remembered> recall(AccountId id) const noexcept;
  void remember(AccountId id, const Remembered& remembered) noexcept;
  void forget(AccountId id) noexcept;
  void doubt(AccountId id, std::chrono::nanoseconds change_seen) noexcept;
  void learn(AccountId id, const Remembered& known) noexcept;

  bool find_work(LookupQuery& query) noexcept;
  void take_queued(LookupQuery& query) noexcept;
  std::chrono::nanoseconds end_query(std::uint64_t number) noexcept;
  void take_answer(Flight& flight, AccountState state, Ticks verified, bool is_outdated, Flight*& claimed) noexcept;
  void fall_back_on(Flight& flight, Remembered known) noexcept;
  void take_failure(Flight& flight, Flight*& claimed) noexcept;
  bool requeue(Flight& flight) noexcept;
  void repository_answers() noexcept;
  void set_health(std::string_view why) noexcept;
  void lose_repository(Flight*& claimed) noexcept;
  void let_answers_age() noexcept;
  void give_up(std::uint64_t query, Flight*& claimed) noexcept;

  /// From its claim to its landing a flight belongs to one thread, which alone hands its events back.
  void claim(Flight& flight, AccountAnswer answer, Flight*& claimed) noexcept;
  void claim_failed(Flight& flight, Flight*& claimed) noexcept;
  /// Hands back the events of the claimed flights, without the lock, until no more came meanwhile, and lands them.
  void settle(Lock& lock, Flight* claimed) noexcept;
  Parked* take_waiting(Flight*& claimed) noexcept;
  static void hand_back(Parked* waiting) noexcept;
  void land(Flight& flight) noexcept;
  void measure_change(const Flight& flight, const Remembered& before) noexcept;
  void count_change(std::chrono::nanoseconds delay) noexcept;

  Clock* const clock_;
  Clock* const real_;
  const std::size_t parked_max_;
  AccountCache known_;    // written with the lock held
  AccountCache unknown_;  // written with the lock held; apart, so that no flood of unknown ids drives known ones out
  AccountFreshness freshness_;
  StripedCounter hits_;
  StripedCounter stale_;
  std::atomic<bool> is_closed_{false};

  std::mutex mutex_;  // guards all that follows
  std::condition_variable work_;
  std::condition_variable landed_;
  std::unordered_map<AccountId, Flight> flights_;
  std::deque<AccountId> queue_;   // flights to ask for; may name some that are over
  std::vector<Running> running_;  // queries under way
  std::uint64_t query_count_ = 0;
  std::size_t parked_ = 0;
  bool has_been_asked_ = false;
  bool is_probe_due_ = true;
  bool is_probing_ = false;
  AccountId last_failed_ = 1;  // what a probe asks for
  Status health_{Code::accounts_unavailable, "The accounts have not been asked yet."};
  std::chrono::nanoseconds last_contact_{0};
  std::chrono::nanoseconds last_answer_;  // of real_, as are
  std::chrono::nanoseconds last_watch_;
  std::chrono::nanoseconds last_doubt_{0};
  std::uint64_t missed_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t queries_ = 0;
  std::uint64_t changes_ = 0;
  AccountChangeDelays change_delays_;
};

}  // namespace tracking::engine
