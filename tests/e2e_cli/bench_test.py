"""bench: what it reports is what the server counted."""

import json
import resource
import signal
import time

import pytest

from cli import Cli, run
from e2e_support import Daemon, free_port, wait_until

SHORT = ("--for", "300ms", "--warm-up", "100ms", "-o", "json")


def bench(*arguments, daemon, code=0):
    done = run("bench", *SHORT, *arguments, daemon=daemon, timeout=60)
    assert done.returncode == code, done
    return json.loads(done.stdout)


def test_every_event_that_it_counts_was_accepted(own_daemon):
    report = bench("-a", 1, "--warm-up", "0s", "-c", 8, daemon=own_daemon)
    assert report["ok"] and report["mode"] == "closed" and not report["errors"]
    assert report["accepted"] == report["requests"] == own_daemon.ledger()["accepted"] > 0
    latency = report["latency_us"]
    assert latency["count"] == report["requests"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["p99.99"] <= latency["max"]


@pytest.mark.parametrize("form", [(), ("--format", "array"), ("--format", "ndjson")])
def test_batches_are_counted_by_events(own_daemon, form):
    report = bench("-a", "1,3-4", "--zipf", "1", "--batch", 20, *form, "--ids", "--data-size", "1KiB", "--warm-up", "0s",
                   daemon=own_daemon)
    assert report["accepted"] == report["requests"] * 20 == own_daemon.ledger()["accepted"]
    assert report["accounts"] == 3


def test_an_open_loop_keeps_its_rate(daemon):
    report = bench("-a", 1, "--rate", 400, "--for", "1s", daemon=daemon)
    assert report["mode"] == "open" and report["accepted"] + report["unsent"] in range(396, 405)


def test_between_requests_it_sleeps(daemon):
    """Also when they are due within microseconds: others on its core may be what is measured."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
    report = bench("-a", 1, "--rate", 11_000, "--for", "1s", daemon=daemon)
    slept = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before
    was_never_ahead = report["latency_us"]["p50"] > 5_000  # on a machine that cannot do that much
    assert slept > 1_000 or was_never_ahead


def test_data_of_an_open_loop_tells_when_it_was_due(own_daemon):
    with Cli("subscribe", "-a", 1, "-o", "raw", daemon=own_daemon) as subscriber:
        subscriber.wait_connected()
        begun = time.monotonic_ns()
        report = bench("-a", 1, "--rate", 400, "--data-size", 28, daemon=own_daemon)
        lines = subscriber.wait_lines(report["accepted"])
        due = {int(json.loads(line)[10:], 16) for line in lines}
        assert len(due) == len(lines) and begun < min(due) and max(due) < time.monotonic_ns()


def test_latency_counts_from_when_a_request_was_due(own_daemon):
    """A server that stands still for a second delays all that was due meanwhile, not one request for each connection."""
    with Cli("bench", "-a", 1, "--rate", 200, "-c", 2, "--for", "8s", "--warm-up", "0s", "-o", "json",
             daemon=own_daemon) as cli:
        wait_until(lambda: own_daemon.ledger()["accepted"] > 20)
        own_daemon.process.send_signal(signal.SIGSTOP)
        assert not wait_until_exit(cli, 1.0)
        own_daemon.process.send_signal(signal.SIGCONT)
        assert cli.wait(30) == 0
        latency = json.loads(cli.lines[0])["latency_us"]
        # An eighth of the requests were due in that second, and waited for half of it on average. Of two connections that
        # only count their own waiting, it would be two in 1,600.
        assert latency["p99"] > 300_000 and latency["mean"] > 20_000


def wait_until_exit(cli, limit):
    """True if it ended within `limit` seconds."""
    try:
        return wait_until(lambda: cli.process.poll() is not None, limit)
    except AssertionError:
        return False


def test_subscribers_get_what_is_accepted(own_daemon):
    report = bench("-a", 1, "--rate", 500, "--subscribers", 3, daemon=own_daemon)
    assert report["delivered"] == 3 * own_daemon.ledger()["accepted"] and report["undelivered"] == 0
    assert report["delivery_us"]["count"] == 3 * report["accepted"]
    assert report["accept_to_delivery_us"]["p50"] > 0
    # The last of the three is the one that has each event latest.
    assert report["last_delivery_us"]["count"] == report["accepted"]
    assert report["delivery_us"]["mean"] <= report["last_delivery_us"]["mean"]
    assert report["last_delivery_us"]["max"] == report["delivery_us"]["max"]


def test_a_single_subscriber_is_the_last(own_daemon):
    report = bench("-a", 1, "--rate", 500, "--subscribers", 1, daemon=own_daemon)
    assert report["last_delivery_us"] == report["delivery_us"]


@pytest.mark.parametrize("account, error", [(2, "403 inactive-account"), (999, "404 unknown-account")])
def test_errors_are_counted_by_their_type(daemon, account, error):
    report = bench("-a", account, daemon=daemon, code=1)
    assert list(report["errors"]) == [error] and report["accepted"] == 0 and not report["ok"]


def test_a_batch_counts_each_rejection(daemon):
    report = bench("-a", "1,2", "--batch", 10, daemon=daemon, code=1)
    assert list(report["errors"]) == ["403 inactive-account"] and report["accepted"] > 0
    assert report["accepted"] + report["errors"]["403 inactive-account"] == report["requests"] * 10


def test_a_server_killed_under_load_is_counted_and_connected_again():
    port = free_port()
    with Daemon("--listen", f"127.0.0.1:{port}") as daemon:
        with Cli("bench", "-u", daemon.url, "-a", 1, "-c", 4, "--for", "1h", "--warm-up", "0s", "-o", "json") as cli:
            wait_until(lambda: daemon.ledger()["accepted"] > 100)
            daemon.stop(signal.SIGKILL)
            daemon.start()
            wait_until(lambda: daemon.ledger()["accepted"] > 100)
            assert cli.interrupt() == 130
            report = json.loads(cli.lines[0])
            assert report["ok"] is False
            # One request a connection, and one more for each time that a connection was made to the dying server, which
            # takes a few of the client's pauses where memory is instrumented.
            assert 1 <= report["errors"]["connection lost"] <= 12 and report["accepted"] > 200


def test_it_waits_for_its_server():
    port = free_port()
    with Cli("bench", "-u", f"http://127.0.0.1:{port}", "-a", 1, *SHORT) as cli:
        cli.wait_said("could not connect")
        with Daemon("--listen", f"127.0.0.1:{port}"):
            assert cli.wait(30) == 0


def test_without_a_server_it_fails_at_once_if_told_so():
    done = run("bench", "-u", f"http://127.0.0.1:{free_port()}", "-a", 1, "--no-retry")
    assert done.returncode == 3 and "could not connect" in done.stderr and not done.stdout


def test_streams_that_are_refused_fail_it():
    with Daemon("--streams", "off") as daemon:
        done = run("bench", "-a", 1, *SHORT, "--subscribers", 1, daemon=daemon)
        assert done.returncode == 1 and "403" in done.stderr


def test_interrupted_it_prints_what_it_has(daemon):
    with Cli("bench", "-a", 1, "--for", "1h", "--warm-up", "0s", "-c", 2, daemon=daemon) as cli:
        wait_until(lambda accepted=daemon.ledger()["accepted"]: daemon.ledger()["accepted"] > accepted + 10)
        assert cli.interrupt() == 130
        assert any(line.startswith("events accepted") for line in cli.lines)


@pytest.mark.parametrize("arguments", [
    (), ("-a", "0"), ("-a", "3-1"), ("-a", "1", "-u", "nats://x"), ("-a", "1", "-u", "http://"), ("-a", "1", "--zipf", "x"),
    ("-a", "1", "--batch", "0"), ("-a", "1", "--format", "xml"), ("-a", "1", "--subscribers", "1", "--data-size", "5"),
    ("-a", "1", "--ack", "twice"), ("-a", "1", "2"), ("-a", "1", "-c", "0"),
])
def test_wrong_usage_is_told(arguments):
    done = run("bench", *arguments)
    assert done.returncode == 2 and done.stderr.startswith("tracking-cli") and not done.stdout
