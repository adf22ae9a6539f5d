#include "sqlite/schema.h"

namespace tracking::sqlite_accounts {
namespace {

constexpr const char* create_table = R"sql(
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY CHECK (id >= 1),
  name TEXT NOT NULL,
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE TRIGGER accounts_updated AFTER UPDATE OF name, is_active ON accounts
BEGIN
  UPDATE accounts SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = NEW.id;
END;
)sql";

Status wrong(const Database& database, const std::string& what) {
  return {Code::invalid_parameter, "The accounts file " + database.name() + " cannot be used: " + what};
}

Result<bool> has_table(Database& database) {
  auto count =
      database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'accounts' AND type IN ('table', 'view')");
  if (!count) return count.error();
  return *count > 0;
}

Status check_table(Database& database) {
  struct Column {
    const char* name;
    const char* query;
  };
  static constexpr Column columns[] = {
      {"id", "SELECT count(*) FROM pragma_table_info('accounts') WHERE lower(name) = 'id'"},
      {"name", "SELECT count(*) FROM pragma_table_info('accounts') WHERE lower(name) = 'name'"},
      {"is_active", "SELECT count(*) FROM pragma_table_info('accounts') WHERE lower(name) = 'is_active'"},
  };
  for (const Column& column : columns) {
    auto count = database.number(column.query);
    if (!count) return count.error();
    if (*count == 0) return wrong(database, "its table accounts has no column " + std::string(column.name) + ".");
  }
  return {};
}

/// In a transaction, because another process may be doing the same.
Status create(Database& database) {
  auto exists = has_table(database);
  if (!exists) return exists.error();
  if (*exists) return {};
  // Only in a file of our own: in another program's database the number is that program's.
  auto others = database.number("SELECT count(*) FROM sqlite_schema");
  if (!others) return others.error();
  if (Status status = database.run(create_table); !status) return status;
  return *others == 0 ? database.run("PRAGMA user_version = 1") : Status();
}

}  // namespace

Status prepare_schema(Database& database) {
  auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > schema_version) {
    return wrong(database, "its layout is version " + std::to_string(*version) +
                               ", and this program knows versions up to " + std::to_string(schema_version) +
                               ". Use a newer program.");
  }
  auto exists = has_table(database);
  if (!exists) return exists.error();
  if (*exists) return check_table(database);
  if (*version > 0) return wrong(database, "its table accounts is gone. Restore it from a backup.");
  if (database.is_read_only()) return wrong(database, "it has no table accounts and is read-only.");

  Transaction transaction(database);
  if (Status status = transaction.begin(); !status) return status;
  Status status = create(database);
  return status ? transaction.commit() : status;
}

}  // namespace tracking::sqlite_accounts
