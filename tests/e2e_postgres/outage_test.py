"""The database absent, down, and frozen, under a running daemon."""

import time

import pytest
from e2e_support import Daemon, Postgres, seconds, wait_until


def track(daemon, account_id=1):
    return daemon.post({"account_id": account_id, "data": "x"}).status


def is_ready(daemon):
    return daemon.get("/readyz").status == 200


def test_a_database_that_comes_later_makes_the_daemon_ready_by_itself():
    with Postgres(start=False) as postgres, Daemon(accounts=postgres.url, wait=False) as daemon:
        answer = daemon.get("/readyz")
        assert answer.problem == "not-ready" and "accounts" in answer.json()["detail"]
        wait_until(lambda: "refused" in daemon.get("/readyz").json()["detail"], what="the reason")
        assert daemon.post({"account_id": 1, "data": "x"}).problem == "accounts-unavailable"
        assert daemon.get("/livez").status == 200
        assert daemon.admin("GET", "/v1/accounts").problem == "accounts-unavailable"
        postgres.start()
        wait_until(lambda: is_ready(daemon), 2, "ready")
        assert daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"}).status == 201
        assert track(daemon) == 202
        wait_until(lambda: daemon.records("ready"), what="the log says so")


def test_cached_answers_that_are_used_for_want_of_others_are_counted(server, database):
    with Daemon("--account-ttl", "1s", accounts=database) as daemon:
        daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
        assert track(daemon) == 202
        server.stop()
        wait_until(lambda: not is_ready(daemon), 2, "unready")
        stale = 'tracking_account_lookups_total{result="stale"}'
        wait_until(lambda: track(daemon) == 202 and daemon.metrics()[stale] > 0, 20, "counted")


@pytest.mark.parametrize("outage", ["down", "frozen"])
def test_an_outage_is_known_within_two_seconds_and_cached_answers_hold(server, daemon, outage):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    daemon.admin("POST", "/v1/accounts", json={"id": 2, "name": "Bond", "is_active": False})
    assert [track(daemon, id) for id in (1, 2, 3)] == [202, 403, 404]
    server.freeze() if outage == "frozen" else server.stop()
    wait_until(lambda: not is_ready(daemon), 2, "unready")
    assert [track(daemon, id) for id in (1, 2, 3)] == [202, 403, 404]
    for unknown in range(100, 110):
        start = time.monotonic()
        answer = daemon.post({"account_id": unknown, "data": "x"})
        assert (answer.status, answer.problem) == (503, "accounts-unavailable")
        assert time.monotonic() - start < seconds(0.25)
        assert "retry-after" in answer.headers
    metrics = daemon.metrics()
    assert metrics['tracking_ready{dependency="accounts"}'] == 0
    assert metrics['tracking_account_lookups_total{result="failed"}'] >= 10
    start = time.monotonic()
    assert daemon.admin("GET", "/v1/accounts").problem == "accounts-unavailable"
    assert daemon.admin("PATCH", "/v1/accounts/1", json={"is_active": False}).status == 503
    assert time.monotonic() - start < seconds(6)
    server.thaw() if outage == "frozen" else server.start()
    wait_until(lambda: is_ready(daemon), 2, "ready again")
    assert track(daemon, 100) == 404
    server.psql("UPDATE accounts SET is_active = true WHERE id = 2", daemon.command[daemon.command.index("--accounts") + 1])
    wait_until(lambda: track(daemon, 2) == 202, 2, "changes told again")
    assert "Traceback" not in daemon.log and len(daemon.lines) < 40


def test_the_stop_does_not_wait_for_a_frozen_database(server, daemon):
    server.freeze()
    start = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - start < seconds(5)
