// The statements that make up the schema.
#pragma once

namespace tracking::postgres_accounts {

/// Several replicas start at once: the one with this lock makes the schema. The number is "tracking" in ASCII.
inline constexpr const char* lock_sql = "SELECT pg_advisory_xact_lock(8390876135376383591)";

/// CREATE TRIGGER waits for those who write, and whoever wants to write waits for it: not for long.
inline constexpr const char* lock_timeout_sql = "SET LOCAL lock_timeout = 300";

inline constexpr const char* create_table_sql = R"sql(
CREATE TABLE accounts (
  id bigint PRIMARY KEY CHECK (id > 0),
  name text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
))sql";

/// Tells which accounts changed: on channel tracking_accounts, `1 <table's oid> <id> <id> ...`, or `all` in place of
/// the ids when they are many. A notice holds less than 8000 bytes, a longer one would fail the statement; and a
/// transaction of many statements ends up telling `all`, once, instead of filling the queue. An UPDATE that leaves id
/// and is_active as they are tells nothing.
inline constexpr const char* create_function_sql = R"sql(
CREATE OR REPLACE FUNCTION tracking_accounts_changed() RETURNS trigger LANGUAGE plpgsql AS $tracking$
-- tracking layout 1
DECLARE
  ids_max CONSTANT int := 3000;
  ids_a_notice CONSTANT int := 300;
  notices_max CONSTANT int := 100;
  told int := coalesce(nullif(current_setting('tracking.notices_told', true), ''), '0')::int;
  is_many boolean := TG_OP = 'TRUNCATE';
  ids text[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    ids := ARRAY(SELECT id::text FROM tracking_new LIMIT ids_max + 1);
  ELSIF TG_OP = 'DELETE' THEN
    ids := ARRAY(SELECT id::text FROM tracking_old LIMIT ids_max + 1);
  ELSIF TG_OP = 'UPDATE' THEN
    is_many := (SELECT count(*) FROM (SELECT FROM tracking_new LIMIT ids_max + 1) AS changed) > ids_max;
    IF NOT is_many THEN
      ids := ARRAY(SELECT DISTINCT id::text FROM (
        (SELECT id, is_active::text FROM tracking_old EXCEPT ALL SELECT id, is_active::text FROM tracking_new)
        UNION ALL
        (SELECT id, is_active::text FROM tracking_new EXCEPT ALL SELECT id, is_active::text FROM tracking_old)
      ) AS differing);
    END IF;
  END IF;
  IF is_many OR cardinality(ids) > ids_max OR (told >= notices_max AND cardinality(ids) > 0) THEN
    PERFORM pg_notify('tracking_accounts', '1 ' || TG_RELID || ' all');
    RETURN NULL;
  END IF;
  FOR at IN 1 .. cardinality(ids) BY ids_a_notice LOOP
    told := told + 1;
    PERFORM pg_notify('tracking_accounts',
                      '1 ' || TG_RELID || ' ' || array_to_string(ids[at : at + ids_a_notice - 1], ' '));
  END LOOP;
  PERFORM set_config('tracking.notices_told', told::text, true);
  RETURN NULL;
END
$tracking$)sql";

struct Trigger {
  const char* name;
  const char* definition;
};

/// ALWAYS, so that a session in replica mode (a restore, some replication) tells its changes too.
inline constexpr Trigger triggers[] = {
    {"tracking_accounts_insert",
     "AFTER INSERT ON accounts REFERENCING NEW TABLE AS tracking_new "
     "FOR EACH STATEMENT EXECUTE FUNCTION tracking_accounts_changed()"},
    {"tracking_accounts_update",
     "AFTER UPDATE ON accounts REFERENCING OLD TABLE AS tracking_old NEW TABLE AS tracking_new "
     "FOR EACH STATEMENT EXECUTE FUNCTION tracking_accounts_changed()"},
    {"tracking_accounts_delete",
     "AFTER DELETE ON accounts REFERENCING OLD TABLE AS tracking_old "
     "FOR EACH STATEMENT EXECUTE FUNCTION tracking_accounts_changed()"},
    {"tracking_accounts_truncate",
     "AFTER TRUNCATE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION tracking_accounts_changed()"},
};

/// Unless the UPDATE says itself when it was.
inline constexpr const char* create_touch_function_sql = R"sql(
CREATE OR REPLACE FUNCTION tracking_accounts_touch() RETURNS trigger LANGUAGE plpgsql AS $tracking$
BEGIN
  IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END
$tracking$)sql";

inline constexpr Trigger touch_trigger = {
    "tracking_accounts_touch", "BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION tracking_accounts_touch()"};

}  // namespace tracking::postgres_accounts
