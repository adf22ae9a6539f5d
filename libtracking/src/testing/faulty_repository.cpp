#include <tracking/testing.h>

namespace tracking::testing {

FaultyRepository::FaultyRepository(std::unique_ptr<AccountRepository> inner, std::shared_ptr<Faults> faults)
    : inner_(std::move(inner)), faults_(std::move(faults)) {}

FaultyRepository::~FaultyRepository() = default;

Status FaultyRepository::admit() noexcept {
  faults_->count();
  faults_->wait_until_released();
  return faults_->take();
}

Status FaultyRepository::find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept {
  if (Status status = admit(); !status) return status;
  return inner_->find(ids, states);
}

std::unique_ptr<AccountRepository> FaultyRepository::another() noexcept {
  auto inner = inner_->another();
  if (!inner) return nullptr;
  return std::make_unique<FaultyRepository>(std::move(inner), faults_);
}

AccountWatch FaultyRepository::wait_for_changes(std::chrono::milliseconds timeout,
                                                std::vector<AccountId>& changed) noexcept {
  faults_->wait_until_released();
  if (!faults_->peek()) return AccountWatch::lost;
  return inner_->wait_for_changes(timeout, changed);
}

Status FaultyRepository::ping() noexcept {
  faults_->wait_until_released();
  if (Status status = faults_->peek(); !status) return status;
  return inner_->ping();
}

Result<std::vector<Account>> FaultyRepository::list(AccountId after, std::size_t limit) noexcept {
  if (Status status = admit(); !status) return status;
  return inner_->list(after, limit);
}

Result<Account> FaultyRepository::get(AccountId id) noexcept {
  if (Status status = admit(); !status) return status;
  return inner_->get(id);
}

Status FaultyRepository::add(const Account& account) noexcept {
  if (Status status = admit(); !status) return status;
  return inner_->add(account);
}

Result<Account> FaultyRepository::change(AccountId id, const AccountChange& change) noexcept {
  if (Status status = admit(); !status) return status;
  return inner_->change(id, change);
}

Status FaultyRepository::remove(AccountId id) noexcept {
  if (Status status = admit(); !status) return status;
  return inner_->remove(id);
}

}  // namespace tracking::testing
