"""verify: what is accepted arrives once, in order and unaltered; and what does not is noticed."""

import json
import signal

import pytest

from cli import Cli, run
from e2e_support import Daemon, free_port, wait_until

WRONG = ("lost", "lost_announced", "repeated", "reordered", "altered", "gaps")


def report_of(done):
    return json.loads(done.stdout)


def verify(*arguments, daemon=None, stdin=b"", timeout=60):
    return run("verify", *arguments, "-o", "json", daemon=daemon, stdin=stdin, timeout=timeout)


def test_all_that_is_accepted_arrives(daemon):
    done = verify("-a", "1,3", "--count", 5000, "--batch", 50, "--connections", 3, daemon=daemon)
    report = report_of(done)
    assert done.returncode == 0 and report["ok"] is True, done
    assert report["sent"] == report["accepted"] == report["received"] == 5000
    assert not any(report[name] for name in WRONG)


def test_the_text_says_it_too(daemon):
    done = run("verify", "-a", 1, "--count", 20, daemon=daemon)
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert done.returncode == 0 and lines["received"] == "20" and lines["lost"] == "0"
    assert done.stdout.endswith("nothing is wrong\n")


def test_it_sends_at_the_rate_and_for_the_time_that_are_asked_for(daemon):
    report = report_of(verify("-a", 1, "--rate", 200, "--for", "1s", daemon=daemon))
    assert 150 <= report["accepted"] <= 200 and report["seconds"] >= 0.9


def test_a_refusal_fails_and_says_what_to_do(daemon):
    done = run("verify", "-a", 2, daemon=daemon)
    assert done.returncode == 1 and "accounts activate 2" in done.stdout


def test_two_systems_do_not_pass_for_one(daemon, own_daemon):
    done = verify("-a", 1, "--from", own_daemon.url, "--retry-for", "1s", daemon=daemon)
    assert done.returncode == 1 and "one system" in report_of(done)["failure"]


def test_a_sender_and_a_receiver_in_two_processes(own_daemon):
    with Cli("verify", "-a", "1,3", "--receive-only", "--run", "two", "-o", "json", daemon=own_daemon) as receiver:
        receiver.wait_connected()
        done = verify("-a", "1,3", "--send-only", "--run", "two", "--count", 300, "--connections", 2, daemon=own_daemon)
        assert done.returncode == 0 and report_of(done)["accepted"] == 300
        assert receiver.wait() == 0
        report = json.loads(receiver.lines[0])
        assert report["received"] == 300 and report["ok"] is True


def test_a_receiver_whose_sender_never_ends_says_so(daemon):
    done = verify("-a", 1, "--receive-only", "--run", "nobody", "--for", "300ms", daemon=daemon)
    assert done.returncode == 124 and report_of(done)["knows_the_end"] is False


@pytest.fixture(scope="module")
def lines(daemon):
    """The output of a subscriber to a run of 100 events; the last line is the run's end."""
    with Cli("subscribe", "-a", 1, "-o", "json", daemon=daemon) as subscriber:
        subscriber.wait_connected()
        done = verify("-a", 1, "--send-only", "--run", "judged", "--count", 100, daemon=daemon)
        assert done.returncode == 0
        return subscriber.wait_lines(101)


def judge(lines):
    return verify("-a", 1, "--receive-only", "--run", "judged", "--from", "-", stdin="\n".join(lines).encode())


def test_another_subscribers_output_is_judged(lines):
    done = judge(lines)
    assert done.returncode == 0 and report_of(done)["received"] == 100


@pytest.mark.parametrize("spoil, wrong", [
    (lambda lines: lines[:40] + lines[43:], {"lost": 3}),
    (lambda lines: lines[:98] + lines[100:], {"lost": 2}),
    (lambda lines: lines[:40] + ['{"gap":{"reason":"expired","missed":3}}'] + lines[43:],
     {"lost_announced": 3, "gaps": 1}),
    (lambda lines: lines[:40] + ['{"gap":{"reason":"expired","missed":2}}'] + lines[43:],
     {"lost": 1, "lost_announced": 2, "gaps": 1}),
    (lambda lines: lines[:50] + lines[45:], {"repeated": 5}),
    (lambda lines: lines[:50] + [lines[51], lines[50]] + lines[52:], {"reordered": 1}),
    (lambda lines: lines[:50] + [lines[50].replace('"pad":"', '"pad":"x')] + lines[51:], {"altered": 1}),
    (lambda lines: lines[:50] + ['{"gap":{"reason":"corrupt"}}'] + lines[50:], {"gaps": 1}),
])
def test_whatever_is_wrong_is_counted_and_fails(lines, spoil, wrong):
    done = judge(spoil(lines))
    report = report_of(done)
    assert done.returncode == 1 and report["ok"] is False
    assert {name: report[name] for name in WRONG} == dict.fromkeys(WRONG, 0) | wrong


def test_announced_losses_may_be_allowed(lines):
    spoiled = "\n".join(lines[:40] + ['{"gap":{"reason":"expired","missed":3}}'] + lines[43:]).encode()
    arguments = ("-a", 1, "--receive-only", "--run", "judged", "--from", "-", "--allow", "gaps")
    assert verify(*arguments, stdin=spoiled).returncode == 0


def test_a_drained_and_restarted_server_loses_it_nothing_that_no_gap_tells():
    port = free_port()
    with Daemon("--listen", f"127.0.0.1:{port}") as daemon:
        with Cli("verify", "-u", daemon.url, "-a", "1,3", "--rate", 500, "--count", 1500, "--connections", 2, "--batch", 5,
                 "--allow", "gaps,repeats", "-o", "json") as cli:
            cli.wait_connected()
            wait_until(lambda: daemon.ledger()["accepted"] > 200)
            assert daemon.stop() == 0
            daemon.start()
            wait_until(lambda: daemon.ledger()["accepted"] > 200)
            assert cli.wait(60) == 0, (cli.lines, cli.errors)
            report = json.loads(cli.lines[0])
            assert report["accepted"] == report["received"] + report["lost_announced"] and report["sent_again"] > 0
            assert report["gaps"] >= 1  # another memory, another history


def test_a_killed_server_fails_it_unless_gaps_are_allowed():
    port = free_port()
    with Daemon("--listen", f"127.0.0.1:{port}") as daemon:
        with Cli("verify", "-u", daemon.url, "-a", 1, "--rate", 300, "--count", 600, "-o", "json") as cli:
            cli.wait_connected()
            wait_until(lambda: daemon.ledger()["accepted"] > 100)
            daemon.stop(signal.SIGKILL)
            daemon.start()
            assert cli.wait(60) == 1
            report = json.loads(cli.lines[0])
            assert report["gaps"] >= 1 and report["lost"] == 0 and report["accepted"] > 200


def test_it_may_be_started_before_its_server():
    port = free_port()
    with Cli("verify", "-u", f"http://127.0.0.1:{port}", "-a", 1, "--count", 10) as cli:
        cli.wait_said("could not connect")
        with Daemon("--listen", f"127.0.0.1:{port}"):
            assert cli.wait(30) == 0


def test_without_a_server_it_fails_at_once_if_told_so():
    assert run("verify", "-u", f"http://127.0.0.1:{free_port()}", "-a", 1, "--no-retry").returncode == 3


def test_an_interrupted_run_reports_what_it_knows(daemon):
    with Cli("verify", "-a", 1, "--rate", 100, "--for", "1h", "-o", "json", daemon=daemon) as cli:
        cli.wait_connected()
        wait_until(lambda accepted=daemon.ledger()["accepted"]: daemon.ledger()["accepted"] > accepted + 10)
        assert cli.interrupt() == 130
        assert json.loads(cli.lines[0])["accepted"] >= 10


@pytest.mark.parametrize("arguments", [
    (), ("-a", "0"), ("-a", "1", "--send-only", "--receive-only"), ("-a", "1", "--receive-only"),
    ("-a", "1", "--from", "-"), ("-a", "1", "--run", "a-b"), ("-a", "1", "--count", "0"), ("-a", "1", "--allow", "all"),
    ("-a", "1", "--data-size", "8"), ("-a", "1", "-u", "ftp://x"), ("-a", "1", "--since", "all"), ("-a", "1", "2"),
    ("-a", "1", "--receive-only", "--run", "x", "--since", "noon"),
])
def test_wrong_usage_is_told(arguments):
    done = run("verify", *arguments)
    assert done.returncode == 2 and "tracking-cli" in done.stderr and not done.stdout
