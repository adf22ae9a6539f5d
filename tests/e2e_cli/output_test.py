"""Where the output goes when it does not go to a terminal."""

import os
import subprocess

from cli import Cli, environment, run
from e2e_support import program, seconds, wait_until


def test_text_is_safe_wherever_it_goes(daemon):
    with Cli("subscribe", "-a", 1, daemon=daemon) as cli:
        cli.wait_connected()
        daemon.post({"account_id": 1, "data": "\u202e\u200b\x7f\x9b"})
        assert cli.wait_lines(1)[0].endswith(r'"\u202e\u200b\u007f\u009b"')


def test_accounts_are_aligned(own_daemon):
    own_daemon.admin("POST", "/v1/accounts", {"id": 1000, "name": "big"})
    for account in (1, 1000, 1):
        assert own_daemon.post({"account_id": account, "data": account}).status == 202
    lines = run("subscribe", "--since", "all", "--no-follow", daemon=own_daemon).stdout.splitlines()
    assert [line[27:] for line in lines] == ["  1  1", "  1000  1000", "     1  1"]


def test_colour_only_if_it_is_asked_for(own_daemon):
    own_daemon.post({"account_id": 1, "data": 1})
    def shown(*options, **env):
        return run("subscribe", "--since", "all", "--no-follow", *options, daemon=own_daemon, env=env).stdout
    assert "\x1b" not in shown()
    assert "\x1b[36m1\x1b[0m" in shown("--color", "always", NO_COLOR="1")


def test_a_reader_that_goes_away_ends_it_quietly(daemon):
    reading, writing = os.pipe()
    process = subprocess.Popen([program("tracking-cli"), "subscribe"], env=environment(daemon), stdin=subprocess.DEVNULL,
                               stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    while b"connected" not in process.stderr.readline():
        pass
    os.close(reading)
    assert process.wait(seconds(10)) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_head_takes_what_it_wants(own_daemon):
    for number in range(2000):
        own_daemon.post({"account_id": 1, "data": number})
    command = f"{program('tracking-cli')} subscribe --since all -o raw | head -n 3; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=environment(own_daemon), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=seconds(20), check=False)
    assert done.stdout == b"0\n1\n2\n0\n"


def test_a_full_disk_is_a_failure(daemon):
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen([program("tracking-cli"), "subscribe", "-a", "1"], env=environment(daemon), stdout=full,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while b"connected" not in process.stderr.readline():
            pass
        daemon.post({"account_id": 1, "data": 1})
        assert process.wait(seconds(10)) == 1
        assert b"cannot write to stdout" in process.stderr.read()
        process.stderr.close()


def test_each_event_is_flushed_on_its_own(daemon):
    with Cli("subscribe", "-a", 1, "-o", "raw", daemon=daemon) as cli:
        cli.wait_connected()
        for number in range(5):
            daemon.post({"account_id": 1, "data": number})
            wait_until(lambda shown=number + 1: len(cli.lines) == shown)
