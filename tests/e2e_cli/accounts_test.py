"""accounts: what the admin listener does, from a shell."""

import json

import pytest

from cli import run
from e2e_support import Daemon, free_port


def test_the_life_of_an_account(own_daemon):
    def accounts(*words):
        done = run("accounts", *words, daemon=own_daemon)
        assert done.returncode == 0, done.stderr
        return done.stdout
    def status():
        return own_daemon.post({"account_id": 7, "data": 1}).status
    assert status() == 404
    assert accounts("add", 7, "Acme \u00e4") == ""
    assert status() == 202
    assert accounts("show", 7) == "7  active    Acme \u00e4\n"
    accounts("deactivate", 7)
    assert status() == 403
    assert json.loads(accounts("activate", 7, "-o", "json")) == {"id": 7, "name": "Acme \u00e4", "is_active": True}
    accounts("rename", 7, 'B "quoted"')
    assert json.loads(accounts("show", 7, "-o", "json"))["name"] == 'B "quoted"'
    accounts("remove", 7)
    assert status() == 404


def test_the_list_is_whole_and_aligned(own_daemon):
    for account in range(1000, 2100):
        own_daemon.admin("POST", "/v1/accounts", {"id": account, "name": f"n{account}"})
    lines = run("accounts", "list", daemon=own_daemon).stdout.splitlines()
    assert len(lines) == 1104
    assert lines[1] == "   2  inactive  Account 2"
    ids = [json.loads(line)["id"] for line in run("accounts", "list", "-o", "json", daemon=own_daemon).stdout.splitlines()]
    assert ids == [1, 2, 3, 4, *range(1000, 2100)]


@pytest.mark.parametrize("words, hint", [(("add", 1, "again"), "account-exists"), (("show", 99), "accounts add 99"),
                                         (("rename", 99, "x"), "accounts add 99"), (("remove", 99), "accounts add 99"),
                                         (("add", 50, ""), "name")])
def test_failures_say_what_to_do(daemon, words, hint):
    done = run("accounts", *words, daemon=daemon)
    assert done.returncode == 1 and not done.stdout and hint in done.stderr


@pytest.mark.parametrize("words", [(), ("dance",), ("add", "7"), ("add", "x", "n"), ("show",), ("show", "0"), ("list", "7"),
                                   ("list", "-o", "xml"), ("list", "--admin-url", "nonsense")])
def test_wrong_usage_is_told(words):
    done = run("accounts", *words)
    assert done.returncode == 2 and done.stderr.startswith("tracking-cli")


def test_a_name_cannot_control_the_terminal(daemon):
    assert run("accounts", "add", 60, "evil \x1b[2J\u202e", daemon=daemon).returncode in (0, 1)
    assert "\x1b" not in run("accounts", "list", daemon=daemon).stdout


def test_without_an_admin_listener_it_says_where_it_looked():
    url = f"http://127.0.0.1:{free_port()}"
    done = run("accounts", "list", "--admin-url", url)
    assert done.returncode == 1 and url in done.stderr


def test_the_token_opens_the_door(tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret-t0ken-of-good-length\n")
    with Daemon("--admin-token-file", token) as daemon:
        refused = run("accounts", "list", daemon=daemon)
        assert refused.returncode == 1 and "--admin-token-file" in refused.stderr
        assert run("accounts", "list", "--admin-token-file", token, daemon=daemon).returncode == 0
        secret = token.read_text().strip()
        assert run("accounts", "list", daemon=daemon, env={"TRACKING_ADMIN_TOKEN": secret}).returncode == 0
        wrong = run("accounts", "list", daemon=daemon, env={"TRACKING_ADMIN_TOKEN": "wr0ng-token"})
        assert wrong.returncode == 1 and "wr0ng" not in wrong.stderr
