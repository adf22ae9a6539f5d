// A service whose every outcome the test decides, and that completes when the test says so.
#pragma once

#include <tracking/service.h>
#include <tracking/web.h>

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace tracking::web {

/// Says of each event what `codes` says of its account; accounts that are not listed are fine.
class FakeLane final : public Lane {
 public:
  std::map<AccountId, Code> codes = {{2, Code::inactive_account}, {7, Code::unknown_account}};
  AckLevel ack = AckLevel::sent;
  bool is_duplicate = false;
  bool is_holding = false;

  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept override {
    const std::lock_guard lock(mutex_);
    asked_ack = options.ack;
    batch_sizes.push_back(events.size());
    for (const Event& event : events) {
      seen.push_back({event.account_id, std::string(event.data.json()), std::string(event.id), event.occurred_at});
    }
    if (is_holding) {
      held_.push_back({events, std::move(done)});
    } else {
      complete({events, std::move(done)});
    }
  }

  std::size_t held() const { return held_.size(); }
  /// Completes the held call at `index`.
  void release(std::size_t index = 0) {
    Held held = std::move(held_[index]);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
    complete(held);
  }

  struct Seen {
    AccountId account_id;
    std::string data;
    std::string id;
    std::optional<Timestamp> occurred_at;
  };
  std::vector<Seen> seen;
  std::vector<std::size_t> batch_sizes;
  AckLevel asked_ack = AckLevel::broker_default;

 private:
  struct Held {
    std::span<const Event> events;
    ReceiptHandler done;
  };

  void complete(const Held& held) {
    std::vector<Receipt> receipts(held.events.size());
    for (std::size_t i = 0; i < receipts.size(); ++i) {
      const Event& event = held.events[i];
      const auto code = codes.find(event.account_id);
      receipts[i].code = code == codes.end() ? Code::ok : code->second;
      receipts[i].ack = ack;
      receipts[i].duplicate = is_duplicate;
      receipts[i].timestamp = Timestamp(std::chrono::microseconds(1'764'000'000'000'000));
      if (http_status(receipts[i].code) == 202 || http_status(receipts[i].code) == 504) {
        receipts[i].id.assign(event.id.empty() ? "made-by-service" : event.id);
      }
    }
    held.done(receipts);
  }

  std::mutex mutex_;
  std::deque<Held> held_;
};

/// Only what the routes ask of a service.
class FakeService final : public TrackingService {
 public:
  BrokerTraits traits{};

  void track(std::span<const Event>, ReceiptHandler, TrackOptions) noexcept override {}
  std::unique_ptr<Lane> lane() override { return std::make_unique<FakeLane>(); }
  Result<std::unique_ptr<Subscription>> open_subscription(const SubscribeOptions&, Wake) noexcept override {
    return {Code::unsupported, "not in this test"};
  }
  Result<std::vector<Account>> list_accounts(AccountId, std::size_t) override { return std::vector<Account>(); }
  Result<Account> get_account(AccountId) override { return {Code::not_found, ""}; }
  Status add_account(const Account&) override { return {}; }
  Result<Account> change_account(AccountId, const AccountChange&) override { return {Code::not_found, ""}; }
  Status remove_account(AccountId) override { return {}; }
  BrokerTraits broker_traits() const noexcept override { return traits; }
  AckLevel default_ack() const noexcept override { return AckLevel::broker_default; }
  std::size_t data_bytes_max() const noexcept override { return 256 * 1024; }
  Readiness readiness() noexcept override { return {}; }
  ServiceStats stats() noexcept override { return {}; }
  Status close(std::chrono::milliseconds) noexcept override { return {}; }
};

}  // namespace tracking::web
