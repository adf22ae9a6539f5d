// The table of accounts: made in a new file, checked in one that exists.
#pragma once

#include "sqlite/database.h"

namespace tracking::sqlite_accounts {

/// The newest layout that we know (PRAGMA user_version). Layout 1: table accounts(id, name, is_active, created_at,
/// updated_at). A table made by hand, in a database of version 0, needs only id, name and is_active.
inline constexpr std::int64_t schema_version = 1;

/// Makes the table if the file has none. accounts_unavailable if that may pass (the file is locked), else what is wrong
/// with the file.
Status prepare_schema(Database& database);

}  // namespace tracking::sqlite_accounts
