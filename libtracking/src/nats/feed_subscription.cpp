#include "nats/feed_subscription.h"

#include <utility>

namespace tracking::nats_io {
namespace {

class FeedSubscription final : public Subscription {
 public:
  FeedSubscription(std::unique_ptr<Subscription> reader, FeedOwner& owner, bool is_disconnected)
      : reader_(std::move(reader)), owner_(owner), is_disconnected_(is_disconnected) {}

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    if (!std::exchange(is_disconnected_, false)) return reader_->read(out, events_max, bytes_max);
    out.clear();
    out.add_gap({.reason = std::string(gap_reason::disconnected)}, {}, reader_->cursor());
    return ReadState::more;
  }

  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    owner_.add_accounts(account_ids);
    auto status = reader_->set_accounts(account_ids);
    owner_.set_accounts(account_ids);
    return status;
  }

  std::string cursor() const override { return reader_->cursor(); }
  Status status() const override { return reader_->status(); }

 private:
  const std::unique_ptr<Subscription> reader_;
  FeedOwner& owner_;
  bool is_disconnected_;
};

}  // namespace

std::unique_ptr<Subscription> make_feed_subscription(std::unique_ptr<Subscription> reader, FeedOwner& owner,
                                                     bool is_disconnected) {
  return std::make_unique<FeedSubscription>(std::move(reader), owner, is_disconnected);
}

}  // namespace tracking::nats_io
