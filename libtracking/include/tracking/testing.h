// Component tracking::testing: what users' tests need as much as ours: a clock turned by hand, and a repository and a
// broker that fail on demand.
#pragma once

#include <tracking/account.h>
#include <tracking/broker.h>
#include <tracking/clock.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

/// What tests of programs that use the engine need: component `testing`.
namespace tracking::testing {

/// Stands still until it is turned. Thread-safe.
class TRACKING_EXPORT ManualClock final : public Clock {
 public:
  /// Starts at 2026-01-01T00:00:00Z.
  ManualClock();
  Timestamp now() noexcept override;
  std::chrono::nanoseconds steady() noexcept override;
  /// Moves both clocks on.
  void advance(std::chrono::nanoseconds by) noexcept;
  /// Lets the wall clock jump, in either direction; the steady clock does not move.
  void jump(std::chrono::microseconds by) noexcept;

 private:
  std::atomic<std::int64_t> now_us_;
  std::atomic<std::int64_t> steady_ns_;
};

/// Turned by the test while the decorated object is in use. Thread-safe. Shared by all instances of a repository.
class TRACKING_EXPORT Faults {
 public:
  /// Every call fails with this code until it is set to ok.
  void fail_with(Code code) noexcept { code_ = code; }
  /// The next `count` calls fail with `code`. Calls that the engine makes by itself (ping, health, wait_for_changes)
  /// use none of them up.
  void fail_next(int count, Code code) noexcept;
  /// Calls wait inside (repository), or what is published is held back (broker), until release().
  void hold() noexcept { is_held_ = true; }
  /// Lets calls, or what was published, go on.
  void release() noexcept;
  /// How often the decorated object was asked; ping, health and wait_for_changes not counted.
  std::uint64_t calls() const noexcept { return calls_; }

 private:
  friend class FaultyRepository;
  friend class FaultyBroker;
  bool is_held() const noexcept { return is_held_; }
  void wait_until_released() noexcept;
  void count() noexcept { ++calls_; }
  /// What becomes of this call.
  Status take() noexcept;
  /// What becomes of a call that is not counted.
  Status peek() noexcept;

  std::atomic<Code> code_{Code::ok};
  std::atomic<int> fail_count_{0};
  std::atomic<Code> fail_count_code_{Code::ok};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<bool> is_held_{false};
};

/// Passes calls on to another repository, or fails them.
class TRACKING_EXPORT FaultyRepository final : public AccountRepository {
 public:
  /// `faults` may be shared with others, and is turned by the test.
  FaultyRepository(std::unique_ptr<AccountRepository> inner, std::shared_ptr<Faults> faults);
  ~FaultyRepository() override;
  Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept override;
  std::unique_ptr<AccountRepository> another() noexcept override;
  AccountWatch wait_for_changes(std::chrono::milliseconds timeout, std::vector<AccountId>& changed) noexcept override;
  Status ping() noexcept override;
  Result<std::vector<Account>> list(AccountId after, std::size_t limit) noexcept override;
  Result<Account> get(AccountId id) noexcept override;
  Status add(const Account& account) noexcept override;
  Result<Account> change(AccountId id, const AccountChange& change) noexcept override;
  Status remove(AccountId id) noexcept override;

 private:
  Status admit() noexcept;

  std::unique_ptr<AccountRepository> inner_;
  std::shared_ptr<Faults> faults_;
};

/// Passes lines on to another broker, fails them, or holds them back; these then go on in their order, on the thread
/// that calls publish() after the release, or complete_held().
class TRACKING_EXPORT FaultyBroker final : public Broker {
 public:
  /// `faults` may be shared with others, and is turned by the test.
  FaultyBroker(std::unique_ptr<Broker> inner, std::shared_ptr<Faults> faults);
  ~FaultyBroker() override;
  void publish(Lines lines, Completion done) noexcept override;
  BrokerTraits traits() const noexcept override;
  Result<std::unique_ptr<Subscription>> subscribe(const SubscribeOptions& options, Wake wake) noexcept override;
  void recent(Timestamp since, std::size_t events_max, const RecentVisitor& visit) noexcept override;
  Status health() noexcept override;
  BrokerStats stats() noexcept override;
  /// What is held back by then is completed as in doubt.
  Status close(std::chrono::milliseconds deadline) noexcept override;
  /// Passes what was held back on (ok), or completes it with `code`; oldest first.
  void complete_held(Code code = Code::ok) noexcept;

 private:
  struct Held;
  void pass_on(std::unique_lock<std::mutex>& lock, Code code) noexcept;

  std::unique_ptr<Broker> inner_;
  std::shared_ptr<Faults> faults_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Held>> held_;  // guarded by mutex_
  bool is_passing_on_ = false;              // guarded by mutex_: one thread passes on, or the order would be lost
};

}  // namespace tracking::testing
