// The service in this process.
#pragma once

#include <tracking/service.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/lane.h"

namespace tracking::engine {

class Engine final : public TrackingService {
 public:
  Engine(const ServiceOptions& options, std::shared_ptr<AccountRepository> repository, std::shared_ptr<Broker> broker,
         DirectoryDrive drive = {});
  ~Engine() override;

  using TrackingService::track;
  void track(std::span<const Event> events, ReceiptHandler done, TrackOptions options) noexcept override;
  std::unique_ptr<Lane> lane() override;
  Result<std::unique_ptr<Subscription>> open_subscription(const SubscribeOptions& options, Wake wake) noexcept override;

  Result<std::vector<Account>> list_accounts(AccountId after, std::size_t limit) override;
  Result<Account> get_account(AccountId id) override;
  Status add_account(const Account& account) override;
  Result<Account> change_account(AccountId id, const AccountChange& change) override;
  Status remove_account(AccountId id) override;

  BrokerTraits broker_traits() const noexcept override { return shared_->traits; }
  AckLevel default_ack() const noexcept override { return shared_->default_ack; }
  std::size_t data_bytes_max() const noexcept override { return shared_->data_bytes_max; }
  Readiness readiness() noexcept override;
  ServiceStats stats() noexcept override;
  Status close(std::chrono::milliseconds deadline) noexcept override;

  AccountDirectory& directory() noexcept { return shared_->directory; }

 private:
  class LaneHandle;
  // Threads that track without a lane of their own share these, each thread always the same one.
  static constexpr std::size_t common_lanes = 8;

  LaneCore* new_lane() noexcept;
  LaneCore* common_lane() noexcept;
  void give_back(LaneCore& lane) noexcept;
  std::uint64_t pending();

  const std::unique_ptr<Shared> shared_;
  std::array<std::atomic<LaneCore*>, common_lanes> common_{};

  std::mutex mutex_;
  std::vector<std::unique_ptr<LaneCore>> lanes_;  // guarded by mutex_; only grows
  std::vector<LaneCore*> free_lanes_;             // guarded by mutex_; their handles are gone
  std::mutex close_mutex_;
  bool is_closed_ = false;  // guarded by close_mutex_
  Status close_status_;     // guarded by close_mutex_
};

}  // namespace tracking::engine
