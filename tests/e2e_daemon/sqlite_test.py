"""Accounts in an SQLite file that others change."""

import os
import sqlite3
import subprocess

import pytest
from e2e_support import Daemon, wait_until


@pytest.fixture
def daemon(tmp_path):
    with Daemon(accounts=None, data_dir=tmp_path / "data") as running:
        running.file = str(tmp_path / "data" / "tracking.db")
        yield running


def shell(daemon, statement):
    subprocess.run(["sqlite3", "-cmd", ".timeout 5000", daemon.file, statement], check=True)


def track(daemon, account_id=1):
    return daemon.post({"account_id": account_id, "data": "x"}).status


def test_the_file_is_made_in_the_data_directory(daemon):
    assert os.path.exists(daemon.file)
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    assert track(daemon) == 202


def test_accounts_survive_a_restart(daemon):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme", "is_active": False})
    daemon.stop()
    daemon.start()
    assert daemon.admin("GET", "/v1/accounts/1").json() == {"id": 1, "name": "Acme", "is_active": False}


def test_changes_by_the_shell_hold_within_a_second(daemon):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    assert track(daemon) == 202
    shell(daemon, "UPDATE accounts SET is_active = 0 WHERE id = 1")
    wait_until(lambda: track(daemon) == 403, 1, "the account inactive")
    shell(daemon, "UPDATE accounts SET is_active = 1 WHERE id = 1")
    wait_until(lambda: track(daemon) == 202, 1, "the account active")
    shell(daemon, "DELETE FROM accounts WHERE id = 1")
    wait_until(lambda: track(daemon) == 404, 1, "the account gone")
    shell(daemon, "INSERT INTO accounts (id, name, is_active) VALUES (1, 'again', 1)")
    wait_until(lambda: track(daemon) == 202, 1, "the account back")


def test_a_change_by_one_daemon_holds_on_another_within_a_second(daemon):
    with Daemon(accounts=f"sqlite:{daemon.file}") as other:
        daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
        wait_until(lambda: track(other) == 202, 1, "the account known")
        other.admin("PATCH", "/v1/accounts/1", json={"is_active": False})
        wait_until(lambda: track(daemon) == 403, 1, "the account inactive")


def test_a_locked_file_is_unready_and_cached_accounts_hold(daemon):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    assert track(daemon) == 202
    lock = sqlite3.connect(daemon.file, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        assert track(daemon) == 202
        answer = daemon.post({"account_id": 77, "data": "x"})
        assert (answer.status, answer.problem) == (503, "accounts-unavailable")
        assert "retry-after" in answer.headers
        wait_until(lambda: daemon.get("/readyz").status == 503, what="unready")
        assert daemon.admin("GET", "/readyz").problem == "not-ready"
        assert daemon.metrics()['tracking_ready{dependency="accounts"}'] == 0
        answer = daemon.admin("POST", "/v1/accounts", json={"id": 2, "name": "x"})
        assert (answer.status, answer.problem) == (503, "accounts-unavailable")
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    wait_until(lambda: daemon.get("/readyz").status == 200, what="ready again")
    assert track(daemon, 77) == 404


def test_a_backup_by_the_shell_is_a_whole_copy(daemon, tmp_path):
    daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"})
    copy = str(tmp_path / "copy.db")
    shell(daemon, f".backup '{copy}'")
    with Daemon(accounts=f"sqlite:{copy}") as restored:
        assert restored.admin("GET", "/v1/accounts/1").json()["name"] == "Acme"
