// A reader of a feed's history.
#pragma once

#include <tracking/subscription.h>

#include <functional>
#include <memory>

namespace tracking::nats_io {

/// What a subscription asks the owner of its feed.
class FeedOwner {
 public:
  /// Sees that these accounts come (empty = all), beside those that do already, and waits until what was accepted
  /// before is in the history; for a moment at most. `overloaded`: there is no memory for that, and nothing has
  /// changed.
  virtual Status add_accounts(std::span<const AccountId> account_ids) noexcept = 0;
  /// These are all that are wanted, of those that come.
  virtual void set_accounts(std::span<const AccountId> account_ids) noexcept = 0;

 protected:
  ~FeedOwner() = default;
};

/// Reads `reader`, after an opening gap `disconnected` if there was no link when it was opened. The owner outlives it.
std::unique_ptr<Subscription> make_feed_subscription(std::unique_ptr<Subscription> reader, FeedOwner& owner,
                                                     bool is_disconnected);

}  // namespace tracking::nats_io
