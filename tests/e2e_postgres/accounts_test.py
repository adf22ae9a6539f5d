"""Accounts in PostgreSQL: managed by the daemon, changed by others."""

import os
import subprocess
import time

from e2e_support import Daemon, program, run_httpd, wait_until


def track(daemon, account_id=1):
    return daemon.post({"account_id": account_id, "data": "x"}).status


def wait_watched(server, database):
    """Changes are told from now on."""
    name = database.rpartition("/")[2]
    wait_until(lambda: server.psql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE "
                                   "'%c.relkind%'") != "0", what="the watch")


def test_the_table_is_made_and_accounts_are_managed(daemon):
    wait_until(lambda: daemon.records("no accounts yet: add one with tracking-cli accounts add 1 NAME"), what="the hint")
    answer = daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    assert (answer.status, answer.headers["location"]) == (201, "/v1/accounts/1")
    assert track(daemon) == 202
    assert daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"}).problem == "account-exists"
    assert daemon.admin("PATCH", "/v1/accounts/1", json={"is_active": False}).json()["is_active"] is False
    assert track(daemon) == 403
    assert daemon.admin("DELETE", "/v1/accounts/1").status == 204
    assert track(daemon) == 404
    assert daemon.admin("GET", "/v1/accounts/1").problem == "not-found"


def test_changes_by_psql_hold_within_a_second(server, database):
    with Daemon(accounts=database) as daemon, Daemon(accounts=database) as replica:
        server.psql("INSERT INTO accounts (id, name) VALUES (1, 'Acme')", database)
        both = (daemon, replica)
        for one in both:
            wait_until(lambda one=one: track(one) == 202, 1, "the account known")
        slowest = 0
        for change, status in (("UPDATE accounts SET is_active = false", 403), ("UPDATE accounts SET is_active = true", 202),
                               ("DELETE FROM accounts", 404), ("INSERT INTO accounts VALUES (1, 'again', true)", 202),
                               ("TRUNCATE accounts", 404)):
            server.psql(change, database)
            start = time.monotonic()
            for one in both:
                wait_until(lambda one=one, status=status: track(one) == status, 1, f"{change} in force")
            slowest = max(slowest, time.monotonic() - start)
        metrics = daemon.metrics()
        assert metrics["tracking_account_change_seconds_count"] >= 5
        assert metrics['tracking_account_change_seconds_bucket{le="1"}'] == metrics["tracking_account_change_seconds_count"]
        print(f"slowest change: {slowest * 1000:.0f} ms")


def test_a_change_by_one_replica_holds_on_the_other_within_a_second(daemon, database):
    with Daemon(accounts=database) as replica:
        daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
        wait_until(lambda: track(replica) == 202, 1, "the account known")
        daemon.admin("PATCH", "/v1/accounts/1", json={"is_active": False})
        wait_until(lambda: track(replica) == 403, 1, "the account inactive")


def test_a_change_holds_within_the_ttl_though_the_listening_connection_was_just_cut(daemon, server, database):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    assert track(daemon) == 202
    wait_watched(server, database)
    name = database.rpartition("/")[2]
    # All connections at once, and the change before any of them can be back.
    server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid(); "
                "UPDATE accounts SET is_active = false", database)
    start = time.monotonic()
    wait_until(lambda: track(daemon) == 403, 10, "the account inactive")
    print(f"after {time.monotonic() - start:.1f} s")


def test_many_accounts_are_paged_by_the_index(daemon, server, database):
    server.psql("INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 300000) g; ANALYZE accounts", database)
    memory = daemon.private_bytes()
    for after in (0, 150_000, 299_500):
        page = daemon.admin("GET", f"/v1/accounts?after={after}&limit=1000").json()
        assert [account["id"] for account in page["accounts"]] == list(range(after + 1, min(after + 1000, 300_000) + 1))
    assert page["next"] is None
    if not os.environ.get("TRACKING_SANITIZE"):  # these keep what was freed
        assert daemon.private_bytes() - memory < 4 << 20
    # What the server did for it: a page each, by the index, and no look at the whole table.
    statistics = "SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'accounts'"
    wait_until(lambda: 2501 <= int(server.psql(statistics, database)) <= 4000, 10, "rows read by the index")


def test_known_accounts_cost_no_query(daemon, server, database):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    wait_watched(server, database)
    wait_until(lambda: track(daemon) == 202)

    def queries():
        return daemon.metrics()["tracking_account_queries_total"]

    # What the watch doubted when it began is read again once, and so it is if a busy machine lost it for a moment.
    def cost_no_query():
        before = queries()
        for _ in range(100):
            assert track(daemon) == 202
        return queries() == before
    wait_until(cost_no_query, 60, "a hundred events without a query")


def test_the_cli_pages_through_many_accounts(daemon, server, database):
    server.psql("INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 2500) g", database)
    done = subprocess.run([program("tracking-cli"), "accounts", "list", "--admin-url", daemon.admin_url, "-o", "json"],
                          check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.count('"id":') == 2500
    page = daemon.admin("GET", "/v1/accounts?after=2400&limit=1000").json()
    assert (len(page["accounts"]), page["next"]) == (100, None)


def test_the_url_may_come_from_a_file_and_is_never_shown(database, tmp_path):
    secret = tmp_path / "accounts-url"
    secret.write_text(database.replace("tracking@", "tracking:hush@") + "\n")
    for flags, env in (([], {"TRACKING_ACCOUNTS_FILE": str(secret)}), (["--accounts-file", str(secret)], {})):
        with Daemon(*flags, accounts=None, env=env) as daemon:
            assert daemon.admin("GET", "/v1/accounts").json() == {"accounts": [], "next": None}
            assert "postgresql://***@127.0.0.1" in daemon.log and "hush" not in daemon.log
    printed = run_httpd("--accounts-file", str(secret), "--print-config")
    assert printed.returncode == 0 and "hush" not in printed.stdout + printed.stderr


def test_a_wrong_url_is_told_without_its_secrets():
    done = run_httpd("--accounts", "postgresql://me:hush@host/app?colour=red")
    assert done.returncode == 2 or done.returncode == 1
    assert "libpq" in done.stderr and "hush" not in done.stderr


def test_a_table_made_by_hand_is_used(server, database):
    server.psql("CREATE TABLE accounts (id int PRIMARY KEY, name text, is_active boolean, plan text DEFAULT 'free'); "
                "INSERT INTO accounts VALUES (1, 'Acme', true, 'gold'), (2, 'Bond', false, 'free')", database)
    with Daemon(accounts=database) as daemon:
        assert (track(daemon, 1), track(daemon, 2), track(daemon, 3)) == (202, 403, 404)
        wait_watched(server, database)
        server.psql("UPDATE accounts SET is_active = true WHERE id = 2", database)
        wait_until(lambda: track(daemon, 2) == 202, 1, "the account active")
