// Accounts in this process's memory: `memory:?active=1,3&inactive=2`, or a plain list.
#pragma once

#include <tracking/account.h>
#include <tracking/backends.h>

#include <memory>
#include <vector>

namespace tracking {

/// A repository over these accounts; of two with one id the later counts. Instances made by another() share them.
std::unique_ptr<AccountRepository> make_memory_accounts(const std::vector<Account>& accounts);

/// The same for a URL. Its parameters: active, inactive (ids, separated by commas, repeatable).
Result<std::unique_ptr<AccountRepository>> open_memory_accounts(const BackendContext& context);

}  // namespace tracking
