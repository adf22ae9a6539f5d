// The writing door: checks events against accounts, stamps them, and hands them to a broker.
#pragma once

#include <tracking/account.h>
#include <tracking/backends.h>
#include <tracking/broker.h>
#include <tracking/clock.h>
#include <tracking/event.h>
#include <tracking/subscriber.h>

#include <array>
#include <chrono>
#include <concepts>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tracking {

/// How to open a service. In the library everything is in memory unless told otherwise.
struct ServiceOptions {
  std::string accounts = "memory:";  ///< URL of the accounts
  std::string broker = "memory:";    ///< URL of the broker
  /// Relative paths in the URLs are under it.
  std::filesystem::path data_dir = ".";
  /// The level that is given when none is asked for; broker_default = the strongest that the broker has.
  AckLevel ack = AckLevel::broker_default;
  /// The largest `data` of an event; never above the broker's maximum less 4 KiB.
  std::size_t data_bytes_max = 256 * 1024;

  /// How long a cached answer is used while changes cannot be watched.
  std::chrono::milliseconds account_ttl = std::chrono::seconds(10);
  /// How long cached answers hold while the repository does not answer.
  std::chrono::milliseconds account_stale_max = std::chrono::minutes(5);
  /// Cached accounts. Ids that are unknown are remembered apart from them, up to a sixteenth as many.
  std::size_t account_cache_max = 1'000'000;
  /// Threads that ask the repository, each with an instance of its own.
  unsigned account_lookup_threads = 2;
  /// Events that may wait for a lookup; more are `overloaded`.
  std::size_t parked_events_max = 100'000;

  /// Keys remembered to recognise repeats, and for how long.
  std::size_t duplicate_keys_max = 1'000'000;
  /// How long a key is remembered.
  std::chrono::milliseconds duplicate_window = std::chrono::minutes(2);

  Clock* clock = &Clock::system();  ///< outlives the service
  Log log = {};                     ///< gets the library's few messages; empty = nobody
};

/// What may be asked for with a batch.
struct TrackOptions {
  AckLevel ack = AckLevel::broker_default;  ///< broker_default = the service's default
  /// Once an event is refused in a way that may pass (is_retriable), or because the service is closed, those behind it
  /// are not handed over either, and share its code. Only as far as it is known in time: an event that had to wait does
  /// not hold up those behind it.
  bool stops_at_failure = false;
};

/// Whether each dependency answers, and if not, why.
struct Readiness {
  Status accounts;  ///< ok, or why the repository is not reached
  Status broker;    ///< ok, or why events cannot be published
  /// True if both answer.
  bool is_ready() const noexcept { return accounts.is_ok() && broker.is_ok(); }
};

/// How long changes of accounts took to be in force in this process, from the moment they were told. How many took up
/// to each bound, and longer than all; not cumulative.
struct AccountChangeDelays {
  /// The upper bounds of `counts`.
  static constexpr std::array<std::chrono::microseconds, 9> bounds{
      std::chrono::milliseconds(1),   std::chrono::milliseconds(5),    std::chrono::milliseconds(10),
      std::chrono::milliseconds(50),  std::chrono::milliseconds(100),  std::chrono::milliseconds(250),
      std::chrono::milliseconds(500), std::chrono::milliseconds(1000), std::chrono::milliseconds(2500)};
  std::array<std::uint64_t, bounds.size() + 1> counts{};  ///< the last: longer than all bounds
  std::chrono::nanoseconds total{0};                      ///< of all delays together
};

/// Counters since the service was opened; exact at rest.
struct ServiceStats {
  std::uint64_t lookups_hit = 0;         ///< events answered from the cache
  std::uint64_t lookups_stale = 0;       ///< of these, older than they should be because the repository does not answer
  std::uint64_t lookups_missed = 0;      ///< events that waited for a lookup
  std::uint64_t lookups_failed = 0;      ///< events refused because the repository did not answer
  std::uint64_t repository_queries = 0;  ///< calls of AccountRepository::find
  std::uint64_t accounts_cached = 0;     ///< at this moment
  std::uint64_t events_parked = 0;       ///< at this moment
  std::uint64_t events_pending = 0;      ///< at this moment, handed to the broker without an outcome yet
  std::uint64_t duplicates = 0;          ///< events recognised as repeats
  AccountChangeDelays account_change_delays;  ///< see there
  std::uint64_t account_changes = 0;          ///< changes of accounts that were told
  BrokerStats broker;                         ///< what the broker counts
};

/// One publishing lane: a producer name and counters of its own, so that lanes do not meet on a lock. An event loop
/// takes one for itself. May be used by any thread; made for one. Destroy it before its service.
class TRACKING_EXPORT Lane {
 public:
  Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  virtual ~Lane();
  /// As TrackingService::track.
  virtual void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options = {}) noexcept = 0;
};

/// Where accounts come from: a URL, a repository of the caller's own, or a plain list of accounts.
class TRACKING_EXPORT AccountSource {
 public:
  /// Opened by URL.
  ///@{
  AccountSource(const char* url) : url_(url) {}             // NOLINT(google-explicit-constructor)
  AccountSource(std::string url) : url_(std::move(url)) {}  // NOLINT(google-explicit-constructor)
  ///@}
  /// A repository of the caller's own.
  template <std::derived_from<AccountRepository> T>
  AccountSource(std::unique_ptr<T> repository) : repository_(std::move(repository)) {}  // NOLINT
  /// A repository of the caller's own, which it may go on using.
  template <std::derived_from<AccountRepository> T>
  AccountSource(std::shared_ptr<T> repository) : repository_(std::move(repository)) {}  // NOLINT
  /// These accounts, in memory.
  AccountSource(const std::vector<Account>& accounts);  // NOLINT(google-explicit-constructor)

  /// Empty if an object was given.
  const std::string& url() const noexcept { return url_; }
  /// nullptr if a URL was given.
  std::shared_ptr<AccountRepository> repository() const noexcept { return repository_; }

 private:
  std::string url_;
  std::shared_ptr<AccountRepository> repository_;
};

/// Where events go: a URL, or a broker of the caller's own.
class TRACKING_EXPORT BrokerSource {
 public:
  /// Opened by URL.
  ///@{
  BrokerSource(const char* url) : url_(url) {}             // NOLINT(google-explicit-constructor)
  BrokerSource(std::string url) : url_(std::move(url)) {}  // NOLINT(google-explicit-constructor)
  ///@}
  /// A broker of the caller's own.
  template <std::derived_from<Broker> T>
  BrokerSource(std::unique_ptr<T> broker) : broker_(std::move(broker)) {}  // NOLINT
  /// A broker of the caller's own, which it may go on using.
  template <std::derived_from<Broker> T>
  BrokerSource(std::shared_ptr<T> broker) : broker_(std::move(broker)) {}  // NOLINT

  /// Empty if an object was given.
  const std::string& url() const noexcept { return url_; }
  /// nullptr if a URL was given.
  std::shared_ptr<Broker> broker() const noexcept { return broker_; }

 private:
  std::string url_;
  std::shared_ptr<Broker> broker_;
};

/// The engine. Every function may be called by any thread.
class TRACKING_EXPORT TrackingService {
 public:
  /// Opens an engine in this process over the backends that the options' URLs name.
  static Result<std::unique_ptr<TrackingService>> open(const ServiceOptions& options, const Backends& backends = {});
  /// The same, over accounts and a broker given; the URLs in `options` are not used.
  static Result<std::unique_ptr<TrackingService>> open(AccountSource accounts, BrokerSource broker,
                                                       const ServiceOptions& options = {},
                                                       const Backends& backends = {});
  /// The same door at a distance: http://, whichever `backends` has.
  static Result<std::unique_ptr<TrackingService>> connect(std::string_view url, const Backends& backends,
                                                          const ServiceOptions& options = {});

  TrackingService() = default;
  TrackingService(const TrackingService&) = delete;
  TrackingService& operator=(const TrackingService&) = delete;
  /// Closes with a deadline of 10 s if that was not done.
  virtual ~TrackingService();

  /// The asynchronous form, and the one primitive: `done` runs exactly once with a receipt for each event, maybe before
  /// this returns. The events and all that they point to are borrowed until `done` has run. Events of one batch are
  /// published in its order; an event whose account must be looked up does not hold up the others.
  virtual void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options = {}) noexcept = 0;

  /// Waits for the receipts. None at all if there is no memory for them: then nothing was accepted.
  std::vector<Receipt> track(std::span<const Event> events, TrackOptions options = {});
  /// Waits; an event that was not accepted is an error with a message that says why.
  Result<Receipt> track(const Event& event, TrackOptions options = {});

  /// A publishing lane for one event loop; nullptr if there is no memory for it.
  virtual std::unique_ptr<Lane> lane() = 0;

  /// Subscribes; see Subscriber. It may outlive the service, which ends it when it is closed.
  Result<std::unique_ptr<Subscriber>> subscribe(const SubscribeOptions& options = {});
  /// The form without a thread, for event loops. The subscription is destroyed before the service.
  virtual Result<std::unique_ptr<Subscription>> open_subscription(const SubscribeOptions& options,
                                                                  Wake wake) noexcept = 0;

  // Accounts. These block, and a change made here is in force in this process when they return.
  /// Up to `limit` accounts with id > after, by id.
  virtual Result<std::vector<Account>> list_accounts(AccountId after, std::size_t limit) = 0;
  /// not_found if there is none.
  virtual Result<Account> get_account(AccountId id) = 0;
  /// account_exists if there is one.
  virtual Status add_account(const Account& account) = 0;
  /// The account as it is after the change, or not_found.
  virtual Result<Account> change_account(AccountId id, const AccountChange& change) = 0;
  /// not_found if there is none.
  virtual Status remove_account(AccountId id) = 0;

  /// What the broker can do, and the level given when none is asked for.
  virtual BrokerTraits broker_traits() const noexcept = 0;
  /// The level given when none is asked for.
  virtual AckLevel default_ack() const noexcept = 0;
  /// The largest `data` taken.
  virtual std::size_t data_bytes_max() const noexcept = 0;

  /// Never blocks: what is known from the last contact.
  virtual Readiness readiness() noexcept = 0;
  /// Counters since it was opened. Never blocks.
  virtual ServiceStats stats() noexcept = 0;

  /// Takes no more events (`closed`), waits until all that is pending is completed and the broker flushed, and at the
  /// deadline completes the rest as failed or in doubt. Subscriptions end. Idempotent.
  virtual Status close(std::chrono::milliseconds deadline) noexcept = 0;
};

}  // namespace tracking
