// The administration of accounts over the server's admin listener.
#pragma once

#include "http/connection.h"

#include <tracking/account.h>

#include <mutex>
#include <vector>

namespace tracking::remote {

/// Blocks for each answer. Thread-safe: one request at a time.
class AccountsClient {
 public:
  explicit AccountsClient(const Endpoint& endpoint);

  Result<std::vector<Account>> list(AccountId after, std::size_t limit);
  Result<Account> get(AccountId id);
  Status add(const Account& account);
  Result<Account> change(AccountId id, const AccountChange& change);
  Status remove(AccountId id);

 private:
  Answer ask(std::string method, std::string path, std::string body = {});
  Status failure(const Answer& answer) const;

  const Address address_;
  const std::string token_;
  std::mutex mutex_;
  Connection connection_;  // guarded by mutex_
};

}  // namespace tracking::remote
