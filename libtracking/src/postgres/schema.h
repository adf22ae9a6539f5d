// The table of accounts and the triggers that tell its changes: looked at, made, brought up to date.
#pragma once

#include <tracking/status.h>

#include <cstdint>
#include <string>

#include "postgres/connection.h"

namespace tracking::postgres_accounts {

/// The layout of our triggers that this program makes. One that is newer is used as it is; what it tells is read by the
/// number in front of each notice (change_notice.h).
inline constexpr int schema_layout = 1;

/// The table `accounts` as it stands. It may be ours: accounts(id, name, is_active, created_at, updated_at), or made by
/// hand, with id, name, is_active, and whatever else.
struct Table {
  std::uint64_t number = 0;  ///< its oid; 0 = there is none
  char kind = ' ';           ///< pg_class.relkind
  std::string id_type;       ///< empty = no such column, as in what follows
  std::string name_type;
  std::string is_active_type;
  std::string updated_at_type;
  bool has_index = false;     ///< that begins with id
  bool has_triggers = false;  ///< ours, for every kind of change
  bool tells_all = false;     ///< these are enabled; whoever disabled one has a reason, and we leave it so
  std::string triggers;       ///< another text when they were touched, even if all is as before
  bool is_replica = false;    ///< filled by logical replication, which fires no trigger for each statement
  int layout = 0;             ///< of these triggers
};

/// Makes the table if there never was one, and sees that it can be used. Precondition: connection.is_open().
Status prepare_table(Connection& connection);

/// The table if every change of it is told; `unsupported` and what stands in the way of that; or a failure. Cheap:
/// asked several times a second. Precondition: connection.is_open().
Result<Table> told_table(Connection& connection, std::chrono::milliseconds limit);

/// Makes or renews the triggers where they are missing or old. Precondition: connection.is_open().
Status prepare_triggers(Connection& connection);

}  // namespace tracking::postgres_accounts
