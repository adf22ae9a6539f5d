// From NATS subscriptions into a history that readers follow.
#pragma once

#include "history/event_history.h"
#include "nats/connection.h"
#include "nats/message.h"
#include "nats/sequence_tracker.h"

#include <tracking/backends.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace tracking::nats_io {

/// Holds the NATS subscriptions that somebody wants, on whichever link there is, checks what comes (docs/HTTP.md "The
/// event"), and appends it to the history; tells there what was missed. Readers filter for themselves.
///
/// Messages are taken from cnats by the I/O thread right after it read them, so cnats starts no thread for a
/// subscription, and a batch of messages is one append. For what that thread needs there is room from the beginning;
/// what the keeper has no memory for, it does at the next tick.
class Feed {
 public:
  /// Which accounts' subjects. Beyond some accounts, and once all were wanted on a link, it is the wildcard.
  struct Interest {
    bool is_all = false;
    std::set<AccountId> account_ids = {};
    bool empty() const noexcept { return !is_all && account_ids.empty(); }
  };

  Feed(const Options& options, std::shared_ptr<history::EventHistory> history, Log log);
  /// Tells how many messages were skipped since that was told last. No thread uses it any more.
  ~Feed();

  // Any thread.
  /// What is wanted from now on; the keeper is to be nudged. wait_applied() tells when it is so.
  std::uint64_t want(Interest interest) noexcept;
  /// Waits until the server has taken the subscriptions of that want(), or a later one. The status says why they are
  /// not live: no link, no permission, no time.
  Status wait_applied(std::uint64_t ticket, std::chrono::milliseconds time);
  bool is_live() const;
  std::uint64_t skipped() const noexcept { return skipped_; }

  // The keeper.
  /// A failure is that of the link.
  Status connected(const std::shared_ptr<Link>& link) noexcept;
  void disconnected(const Status& reason) noexcept;
  Status tick(const std::shared_ptr<Link>& link) noexcept;

  // The I/O thread.
  void read() noexcept;

 private:
  struct SubscriptionDeleter {
    void operator()(natsSubscription* subscription) const noexcept { natsSubscription_Destroy(subscription); }
  };
  /// account_id 0 is the wildcard.
  struct Subscribed {
    AccountId account_id = 0;
    std::shared_ptr<natsSubscription> subscription;
    std::int64_t dropped = 0;
  };
  using Subscriptions = std::map<AccountId, Subscribed>;
  /// What the I/O thread reads.
  struct Shared {
    std::vector<Subscribed> subscriptions;
    std::set<AccountId> single;  ///< accounts that have a subscription of their own
  };

  // The keeper.
  Status apply(Link& link) noexcept;
  Status try_apply(Link& link);
  Status subscribe(Link& link, const Interest& interest);
  static bool was_refused(Link& link, std::uint64_t known);
  Status subscribe_to(Link& link, AccountId account_id);
  void unsubscribe_others(const Interest& interest);
  void drop_subscriptions() noexcept;
  void publish_subscriptions();
  void share(std::shared_ptr<const Shared> shared) noexcept;
  void tell_dropped() noexcept;
  void set_state(std::uint64_t applied, Status status) noexcept;

  // The I/O thread.
  void refresh() noexcept;
  void drain(const Subscribed& from) noexcept;
  void take(Message message, const Subscribed& from) noexcept;
  void flush_batch() noexcept;
  void skip(natsMsg* message, std::string_view why) noexcept;

  static constexpr std::size_t batch_max = 512;  // messages of one append

  const Options options_;
  const std::string subject_start_;  // "tracking.events."
  const std::shared_ptr<history::EventHistory> history_;
  const Log log_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  Interest interest_;
  std::uint64_t wanted_ = 0;   // counts want()
  std::uint64_t applied_ = 0;  // of these, live on the link
  Status status_;              // why not
  bool is_connected_ = false;
  std::shared_ptr<const Shared> shared_;  // for the I/O thread
  std::atomic<std::uint64_t> shared_version_{0};

  Subscriptions subscriptions_;  // the keeper's
  bool is_refused_ = false;      // the keeper's: said once
  bool was_live_ = false;        // the keeper's: on this link, something was
  int ticks_until_retry_ = 0;    // the keeper's

  std::atomic<std::uint64_t> skipped_{0};
  // The I/O thread's.
  std::uint64_t version_ = 0;
  std::shared_ptr<const Shared> reading_;
  std::vector<Message> messages_;  // of batch_
  std::vector<Line> batch_;
  SequenceTracker sequences_;
  std::atomic<bool> begins_anew_{false};  // sequences_ is to be cleared
  std::atomic<bool> has_taken_{false};    // an event of this link: its end is a gap, also if it never was live
  std::chrono::steady_clock::time_point next_skip_line_{};
  std::uint64_t skipped_told_ = 0;
};

}  // namespace tracking::nats_io
