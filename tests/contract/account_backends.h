// The account repositories that the contract suite runs over.
#pragma once

#include <tracking/account.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace tracking::contract {

/// A store without accounts, made for one test.
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  /// An instance over it.
  virtual std::unique_ptr<AccountRepository> open() = 0;
};

struct AccountBackend {
  std::string name;
  std::function<std::unique_ptr<AccountStore>()> make;
};

inline void PrintTo(const AccountBackend& backend, std::ostream* out) { *out << backend.name; }

std::vector<AccountBackend> account_backends();

}  // namespace tracking::contract
