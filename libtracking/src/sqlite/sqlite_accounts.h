// The repository over an SQLite file.
#pragma once

#include <tracking/account.h>

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "sqlite/database.h"

namespace tracking::sqlite_accounts {

/// One connection, opened at its first use, and again when another file has taken the path.
class SqliteAccounts final : public AccountRepository {
 public:
  explicit SqliteAccounts(std::filesystem::path path);

  /// The first use by this process: makes folder, file and table if they are absent. A file that is only locked at this
  /// moment is no error, but an unavailable repository that will be asked again.
  Status create_if_absent();

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
  /// Which file stands at the path.
  struct FileIdentity {
    dev_t device;
    ino_t inode;
    bool operator==(const FileIdentity&) const = default;
  };
  static std::optional<FileIdentity> identity_of(const std::filesystem::path& path) noexcept;

  Status connect();
  void disconnect() noexcept;
  Status open(Database::IfAbsent if_absent);
  Status query(std::span<const AccountId> ids, std::span<AccountState> states);
  AccountWatch look_for_changes();
  Result<Account> read(AccountId id);
  Status insert(const Account& account);
  Status update(AccountId id, const AccountChange& change);
  Status erase(AccountId id);
  /// Runs `work` in a transaction of its own, which ends undone unless all of it succeeds.
  template <class Work>
  Status in_transaction(Work work);

  const std::filesystem::path path_;
  Database database_;
  std::optional<FileIdentity> identity_;
  std::int64_t data_version_ = 0;  // when changes were last looked for; 0 = never on this connection
  std::string ids_;                // of the query, as JSON: its memory is used again

  Statement find_;
  Statement get_;
  Statement list_;
  Statement insert_;
  Statement update_;
  Statement delete_;
  Statement version_;
};

}  // namespace tracking::sqlite_accounts
