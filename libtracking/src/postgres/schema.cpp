#include "postgres/schema.h"

#include "codec/no_memory.h"
#include "postgres/schema_sql.h"

namespace tracking::postgres_accounts {
namespace {

// tgtype: 1 = for each row, 2 = before, then insert 4, delete 8, update 16, truncate 32.
constexpr Statement look = {"tracking_look", R"sql(
SELECT c.oid, c.relkind,
  (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = c.oid AND attname = 'id' AND NOT attisdropped),
  (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = c.oid AND attname = 'name' AND NOT attisdropped),
  (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = c.oid AND attname = 'is_active' AND NOT attisdropped),
  (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = c.oid AND attname = 'updated_at' AND NOT attisdropped),
  EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
          WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL),
  coalesce(told.events = 60, false),
  coalesce(told.enabled = 60, false),
  EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid),
  coalesce(told.layout, 0),
  told.triggers
FROM pg_class c, LATERAL (
  SELECT bit_or(t.tgtype) & 60 AS events,
    bit_or(CASE WHEN t.tgenabled IN ('O', 'A') THEN t.tgtype ELSE 0 END) & 60 AS enabled,
    min(substring(p.prosrc from 'tracking layout ([0-9]+)')::int) AS layout,
    string_agg(concat_ws(' ', t.oid, t.xmin, p.oid, p.xmin), ',' ORDER BY t.oid) AS triggers
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE t.tgrelid = c.oid AND p.proname = 'tracking_accounts_changed'
    AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgtype & 3 = 0
) AS told
WHERE c.oid = to_regclass('accounts'))sql"};

constexpr Statement has_trigger = {
    "tracking_has_trigger", "SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass('accounts') AND tgname = $1"};

Status wrong(const Connection& connection, const std::string& what) {
  return {Code::accounts_unavailable,
          "The accounts database " + connection.store().endpoints.name + " cannot be used: " + what};
}

std::string text_of(const pqxx::row& row, int column) { return row[column].is_null() ? "" : row[column].c_str(); }

Table read_table(Connection& connection, pqxx::transaction_base& transaction) {
  Table table;
  const pqxx::result rows = connection.execute(transaction, look);
  if (rows.empty()) return table;
  const pqxx::row row = rows[0];
  table.number = row[0].as<std::uint64_t>();
  table.kind = row[1].c_str()[0];
  table.id_type = text_of(row, 2);
  table.name_type = text_of(row, 3);
  table.is_active_type = text_of(row, 4);
  table.updated_at_type = text_of(row, 5);
  table.has_index = row[6].as<bool>();
  table.has_triggers = row[7].as<bool>();
  table.tells_all = row[8].as<bool>();
  table.is_replica = row[9].as<bool>();
  table.layout = row[10].as<int>();
  table.triggers = text_of(row, 11);
  return table;
}

Result<Table> read_table(Connection& connection, std::chrono::milliseconds limit = Connection::call_limit) {
  Table table;
  Status status =
      connection.run([&](pqxx::transaction_base& transaction) { table = read_table(connection, transaction); }, limit);
  if (!status) return status;
  return table;
}

Status check_columns(const Connection& connection, const Table& table) {
  const auto missing = [&](const char* column) {
    return wrong(connection, "its table accounts has no column " + std::string(column) + ".");
  };
  if (table.id_type.empty()) return missing("id");
  if (table.name_type.empty()) return missing("name");
  if (table.is_active_type.empty()) return missing("is_active");
  if (table.id_type != "bigint" && table.id_type != "integer" && table.id_type != "smallint") {
    return wrong(connection, "the column id of its table accounts is " + table.id_type + ". It must be bigint.");
  }
  return {};
}

/// A table without an index on id works, but every lookup reads all of it.
void warn_of_index(const Connection& connection, const Table& table) {
  Store& store = connection.store();
  const bool can_have_one = table.kind == 'r' || table.kind == 'p' || table.kind == 'm';
  if (table.has_index || !can_have_one || store.has_warned_of_index.exchange(true) || !store.log) return;
  say(store.log, LogLevel::warning, [&] {
    return "accounts: the table accounts in " + store.endpoints.name +
           " has no index that begins with id: every lookup reads the whole table";
  });
}

void create_triggers(Connection& connection, pqxx::transaction_base& transaction, const Table& table) {
  transaction.exec(create_function_sql);
  const auto renew = [&](const Trigger& trigger) {
    const std::string name = trigger.name;
    if (connection.execute(transaction, has_trigger, name)[0][0].as<int>() > 0) {
      transaction.exec("DROP TRIGGER " + name + " ON accounts");
    }
    transaction.exec("CREATE TRIGGER " + name + " " + trigger.definition);
    transaction.exec("ALTER TABLE accounts ENABLE ALWAYS TRIGGER " + name);
  };
  for (const Trigger& trigger : triggers) renew(trigger);
  if (table.updated_at_type.rfind("timestamp", 0) != 0) return;
  transaction.exec(create_touch_function_sql);
  renew(touch_trigger);
}

/// Others who want to do the same wait for us, and then find it done.
Status create(Connection& connection) {
  return connection.run(
      [&](pqxx::transaction_base& transaction) {
        transaction.exec(lock_sql);
        if (read_table(connection, transaction).number != 0) return;
        transaction.exec(create_table_sql);
        create_triggers(connection, transaction, read_table(connection, transaction));
      },
      Connection::call_limit, true);
}

bool needs_triggers(const Table& table) {
  const bool can_have_them = table.kind == 'r' || table.kind == 'p';
  return can_have_them && !table.is_replica && (!table.has_triggers || table.layout < schema_layout);
}

}  // namespace

Status prepare_table(Connection& connection) {
  Store& store = connection.store();
  Result<Table> table = read_table(connection);
  if (!table) return table.error();
  if (table->number == 0) {
    // Not made again: that would turn every account into an unknown one.
    if (store.has_seen_table) return wrong(connection, "its table accounts is gone. Restore it from a backup.");
    if (Status status = create(connection); !status) {
      return wrong(connection, "it has no table accounts, and none could be made: " + status.message());
    }
    table = read_table(connection);
    if (!table) return table.error();
  }
  store.has_seen_table = true;
  warn_of_index(connection, *table);
  return check_columns(connection, *table);
}

Result<Table> told_table(Connection& connection, std::chrono::milliseconds limit) {
  Result<Table> table = read_table(connection, limit);
  if (!table) return table;
  const auto untold = [](const char* why) { return Status(Code::unsupported, why); };
  if (table->number == 0) return untold("the table accounts is gone");
  if (table->is_replica) return untold("logical replication fills the table, and fires no trigger that could tell");
  if (!table->has_triggers) return untold("the table accounts does not have the triggers that tell them");
  if (!table->tells_all) return untold("triggers of the table accounts that tell them are disabled");
  return table;
}

Status prepare_triggers(Connection& connection) {
  const Result<Table> table = read_table(connection);
  if (!table) return table.error();
  if (!needs_triggers(*table)) return {};
  return connection.run(
      [&](pqxx::transaction_base& transaction) {
        transaction.exec(lock_timeout_sql);
        transaction.exec(lock_sql);
        const Table again = read_table(connection, transaction);
        if (needs_triggers(again)) create_triggers(connection, transaction, again);
      },
      Connection::call_limit, true);
}

}  // namespace tracking::postgres_accounts
