"""subscribe: what is shown, and how it ends."""

import json
import re

import pytest

from cli import Cli, data_of, run
from e2e_support import free_port


def test_an_event_is_shown_when_it_comes(daemon):
    with Cli("subscribe", "-a", 1, daemon=daemon) as cli:
        cli.wait_connected()
        daemon.post({"account_id": 3, "data": "not for us"})
        daemon.post({"account_id": 1, "data": "foo"})
        line, = cli.wait_lines(1)
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z  1  "foo"', line)


def test_json_is_the_event_as_the_server_sends_it(daemon):
    with daemon.subscribe("account_id=1") as stream, Cli("sub", "-a", "1", "-o", "json", daemon=daemon) as cli:
        cli.wait_connected()
        daemon.post(body=b'{"account_id":1,"data":{"n":1e400,"s":"\\ud800","n":[]}}')
        line, = cli.wait_lines(1)
        assert line == stream.next_raw()[1]
        assert '"data":{"n":1e400,"s":"\\ud800","n":[]}}' in line


def test_raw_is_the_data_alone_byte_for_byte(daemon):
    data = '"\u202e\u200b\x7f \u00e4"'.encode()
    with Cli("subscribe", "-a", 1, "-o", "raw", daemon=daemon) as cli:
        cli.wait_connected()
        daemon.post(body=b'{"account_id":1,"data":' + data + b"}")
        line, = cli.wait_lines(1)
        assert line.encode() == data


def test_no_account_means_every_account_and_excluded_ones_are_left_out(daemon):
    with Cli("subscribe", "-x", 3, "-o", "json", daemon=daemon) as cli:
        cli.wait_connected()
        for account in (1, 3, 4):
            daemon.post({"account_id": account, "data": account})
        assert data_of(cli.wait_lines(2)) == [1, 4]


def test_history_tail_and_the_end_of_history(own_daemon):
    for number in range(5):
        own_daemon.post({"account_id": 1, "data": number})
    def shown(*options):
        done = run("subscribe", "--no-follow", "-o", "raw", *options, daemon=own_daemon)
        assert done.returncode == 0, done.stderr
        return [int(line) for line in done.stdout.split()]
    assert shown("--since", "all") == [0, 1, 2, 3, 4]
    assert shown("--tail", 2) == [3, 4]
    assert shown("--since", "1h") == [0, 1, 2, 3, 4]
    assert shown("--since", "all", "--count", 3) == [0, 1, 2]
    assert shown("--since", "all", "-x", 1) == []
    assert shown() == []


def test_count_ends_it(daemon):
    with Cli("subscribe", "-a", 1, "--count", 2, daemon=daemon) as cli:
        cli.wait_connected()
        for number in range(3):
            daemon.post({"account_id": 1, "data": number})
        assert cli.wait() == 0
        assert len(cli.lines) == 2


def test_count_is_of_what_is_shown(daemon):
    with Cli("subscribe", "-x", 3, "--count", 2, "-o", "raw", daemon=daemon) as cli:
        cli.wait_connected()
        for account in (3, 1, 3, 4, 1):
            daemon.post({"account_id": account, "data": account})
        assert cli.wait() == 0
        assert cli.lines == ["1", "4"]


def test_the_time_running_out_is_told_by_the_exit_code(daemon):
    assert run("subscribe", "--for", "200ms", "--count", 1, daemon=daemon).returncode == 124
    assert run("subscribe", "--for", "200ms", daemon=daemon).returncode == 0


def test_interrupted_it_sums_up(daemon):
    with Cli("subscribe", "-a", 1, daemon=daemon) as cli:
        cli.wait_connected()
        daemon.post({"account_id": 1, "data": 1})
        cli.wait_lines(1)
        assert cli.interrupt() == 130
        assert "interrupted after 1 event, 0 gaps" in cli.errors[-1]


def test_without_retry_no_connection_is_the_end():
    done = run("subscribe", "--no-retry", "-u", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 3
    assert "tracking-httpd" in done.stderr  # how to start one


@pytest.mark.parametrize("arguments", [
    ("-a", "0"), ("-a", "x"), ("-a", "1,"), ("-a", "9223372036854775808"), ("--since", "yesterday"), ("--tail", "-1"),
    ("--count", "many"), ("--for", "5"), ("-o", "xml"), ("--color", "blue"), ("--nonsense",), ("positional",),
    ("-u", "nonsense://x"), ("-u", "http://h/path"), ("-a", "1", "-x", "1"),
])
def test_wrong_usage_is_told(arguments):
    done = run("subscribe", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("tracking-cli") and not done.stdout


def test_help_is_for_people():
    for arguments in (("subscribe", "--help"), ("help", "sub"), ("help", "track"), ("help", "accounts"), ("help",)):
        done = run(*arguments)
        assert done.returncode == 0 and "tracking-cli" in done.stdout and not done.stderr
    assert re.fullmatch(r"tracking-cli \d+\.\d+\.\d+\n", run("--version").stdout)
    assert run("dance").returncode == 2
    assert run().returncode == 2


def test_two_of_them_see_the_same(daemon):
    with Cli("subscribe", "-o", "json", daemon=daemon) as one, Cli("subscribe", "-o", "json", daemon=daemon) as two:
        one.wait_connected()
        two.wait_connected()
        for number in range(100):
            daemon.post({"account_id": 1 + 2 * (number % 2), "data": number})
        assert one.wait_lines(100) == two.wait_lines(100)
        assert [json.loads(line)["data"] for line in one.lines] == list(range(100))
