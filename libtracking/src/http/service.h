// Tracking at a distance.
#pragma once

#include "http/accounts_client.h"
#include "http/delivery_queue.h"
#include "http/readiness.h"
#include "http/sender.h"

#include <tracking/service.h>

#include <memory>
#include <mutex>
#include <vector>

namespace tracking::remote {

/// Events of one account always go over the same connection, one request after the other: their order is kept.
class HttpService final : public TrackingService {
 public:
  HttpService(const Endpoint& endpoint, const ServiceOptions& options);
  ~HttpService() override;

  using TrackingService::track;
  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options = {}) noexcept override;
  std::unique_ptr<Lane> lane() override;
  Result<std::unique_ptr<Subscription>> open_subscription(const SubscribeOptions& options, Wake wake) noexcept override;

  Result<std::vector<Account>> list_accounts(AccountId after, std::size_t limit) override;
  Result<Account> get_account(AccountId id) override;
  Status add_account(const Account& account) override;
  Result<Account> change_account(AccountId id, const AccountChange& change) override;
  Status remove_account(AccountId id) override;

  BrokerTraits broker_traits() const noexcept override;
  AckLevel default_ack() const noexcept override { return options_.ack; }
  std::size_t data_bytes_max() const noexcept override { return options_.data_bytes_max; }
  Readiness readiness() noexcept override;
  ServiceStats stats() noexcept override;
  Status close(std::chrono::milliseconds deadline) noexcept override;

 private:
  using Shares = std::vector<std::vector<Sender::Item>>;  // by sender

  void start(TrackCall* call) noexcept;
  std::size_t sort_out(TrackCall& call, Shares& shares) const;

  const Endpoint endpoint_;
  const ServiceOptions options_;
  Backlog backlog_;
  ReadinessMonitor readiness_;
  AccountsClient accounts_;
  std::vector<std::unique_ptr<Sender>> senders_;  // constant after construction

  std::mutex closing_mutex_;  // held by close()
  std::mutex mutex_;
  bool is_closed_ = false;                                   // guarded by mutex_
  std::vector<std::weak_ptr<DeliveryQueue>> subscriptions_;  // guarded by mutex_
};

}  // namespace tracking::remote
