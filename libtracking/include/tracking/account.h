// Accounts, and what a store of them implements.
#pragma once

#include <tracking/event.h>
#include <tracking/status.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tracking {

/// Who may track: only accounts that exist and are active.
struct Account {
  AccountId id = 0;       ///< 1 to 2^63-1
  std::string name = {};  ///< 1 to 200 characters
  bool is_active = true;  ///< whether it may track
};

/// What to change of an account; what is not set stays.
struct AccountChange {
  std::optional<std::string> name = std::nullopt;  ///< the new name
  std::optional<bool> is_active = std::nullopt;    ///< whether it may track from now on
};

/// What a lookup says of an id.
enum class AccountState : std::uint8_t { unknown = 0, inactive = 1, active = 2 };

/// What AccountRepository::wait_for_changes saw.
enum class AccountWatch : std::uint8_t {
  unsupported,  ///< changes cannot be watched: cached answers are used up to account_ttl
  quiet,        ///< the link is alive and nothing changed
  some,         ///< the accounts given changed
  all,          ///< something changed, or may have: everything cached is checked again
  lost,         ///< no link at present: cached answers are used up to account_ttl
};

/// A store of accounts. Only `find` must be written. Every function may block; the engine calls it on threads of its
/// own, and one instance is never called by two threads at once. Nothing may throw.
class TRACKING_EXPORT AccountRepository {
 public:
  AccountRepository() = default;
  AccountRepository(const AccountRepository&) = delete;
  AccountRepository& operator=(const AccountRepository&) = delete;
  virtual ~AccountRepository();

  /// Sets states[i] to the state of ids[i] (both of one size, at most 1,000; ids differ). A failure means that nothing
  /// is known of any of them, and should be reported within about a second.
  virtual Status find(std::span<const AccountId> ids, std::span<AccountState> states) noexcept = 0;

  /// A second instance over the same accounts for another thread, or nullptr (the default): then one thread does all.
  virtual std::unique_ptr<AccountRepository> another() noexcept;

  /// Waits up to `timeout` for changes made by anyone, and appends the ids to `changed` if it returns `some`.
  /// Called again and again by one thread on an instance of its own. The default: unsupported.
  virtual AccountWatch wait_for_changes(std::chrono::milliseconds timeout, std::vector<AccountId>& changed) noexcept;

  /// Ok if the store answers now.
  virtual Status ping() noexcept;

  // The administration of accounts. The defaults answer Code::unsupported.
  /// Up to `limit` accounts with id > after, by id.
  virtual Result<std::vector<Account>> list(AccountId after, std::size_t limit) noexcept;
  /// not_found if there is none.
  virtual Result<Account> get(AccountId id) noexcept;
  /// account_exists if there is one.
  virtual Status add(const Account& account) noexcept;
  /// The account as it is after the change, or not_found.
  virtual Result<Account> change(AccountId id, const AccountChange& change) noexcept;
  /// not_found if there is none.
  virtual Status remove(AccountId id) noexcept;
};

}  // namespace tracking
