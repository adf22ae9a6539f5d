#include "nats/feed_subscription.h"

#include <utility>

#include "codec/no_memory.h"

namespace tracking::nats_io {
namespace {

class FeedSubscription final : public Subscription {
 public:
  FeedSubscription(std::unique_ptr<Subscription> reader, FeedOwner& owner, bool is_disconnected)
      : reader_(std::move(reader)), owner_(owner), is_disconnected_(is_disconnected) {}

  ReadState read(Deliveries& out, std::size_t events_max, std::size_t bytes_max) noexcept override {
    if (!is_disconnected_) return reader_->read(out, events_max, bytes_max);
    out.clear();
    if (has_no_memory_) return ReadState::ended;
    const auto tell = [&] { out.add_gap({.reason = std::string(gap_reason::disconnected)}, {}, reader_->cursor()); };
    if (has_memory_for(tell)) {
      is_disconnected_ = false;
      return ReadState::more;
    }
    out.clear();
    has_no_memory_ = true;
    return ReadState::ended;
  }

  Status set_accounts(std::span<const AccountId> account_ids) noexcept override {
    if (auto status = owner_.add_accounts(account_ids); !status) return status;
    auto status = reader_->set_accounts(account_ids);
    if (status) owner_.set_accounts(account_ids);
    return status;
  }

  std::string cursor() const override { return reader_->cursor(); }
  Status status() const override { return has_no_memory_ ? no_memory(Code::overloaded) : reader_->status(); }

 private:
  const std::unique_ptr<Subscription> reader_;
  FeedOwner& owner_;
  bool is_disconnected_;
  bool has_no_memory_ = false;  // to tell so, and it has ended
};

}  // namespace

std::unique_ptr<Subscription> make_feed_subscription(std::unique_ptr<Subscription> reader, FeedOwner& owner,
                                                     bool is_disconnected) {
  return std::make_unique<FeedSubscription>(std::move(reader), owner, is_disconnected);
}

}  // namespace tracking::nats_io
