// The repository over a PostgreSQL database.
#pragma once

#include <tracking/account.h>

#include <memory>

#include "postgres/account_watcher.h"
#include "postgres/connection.h"

namespace tracking::postgres_accounts {

/// Two connections at most, each opened at its first use: one asks, the other, of the instance that watches, listens.
class PostgresAccounts final : public AccountRepository {
 public:
  explicit PostgresAccounts(std::shared_ptr<Store> store);

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
  Status connect();
  /// What may be asked twice: on a connection that proves to have been closed meanwhile it is asked again on a new one.
  template <class Work>
  Status read(Work work);
  /// What must not be done twice. `in_doubt` if nobody can say whether it was done.
  template <class Work>
  Status write(Work work);

  const std::shared_ptr<Store> store_;
  Connection connection_;
  std::unique_ptr<AccountWatcher> watcher_;
  std::string asked_;                                     // the ids of a query, as PostgreSQL writes an array
  std::vector<std::pair<AccountId, std::size_t>> order_;  // of a query: ids in their order, and where they stood
};

}  // namespace tracking::postgres_accounts
