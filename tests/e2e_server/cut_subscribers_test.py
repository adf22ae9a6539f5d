"""A subscriber is cut and comes back (fault 23): each event after its cursor once, in order per account."""

import json
import random
import subprocess
import threading

import pytest
from e2e_support import Daemon, FaultProxy, program, seconds, wait_until
from e2e_support.daemon import clean_environment
from e2e_support.stream import Stream

ACCOUNTS = (1, 3, 4)
EVENTS = 600


def send(daemon, first, count):
    """Events numbered in their data, the accounts in turn."""
    batch = [{"account_id": ACCOUNTS[n % 3], "data": n} for n in range(first, first + count)]
    assert daemon.post(batch).json()["accepted"] == count


def check(events, wanted):
    """Each once; in order for each account, which is all that is promised."""
    assert not [event for event in events if "gap" in event]
    assert sorted(event["data"] for event in events) == wanted
    for account in ACCOUNTS:
        numbers = [event["data"] for event in events if event["account_id"] == account]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("is_reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("sse", [True, False], ids=["sse", "ndjson"])
def test_a_reader_that_resumes_at_its_cursor_gets_each_event_once(daemon, sse, is_reset):
    chance = random.Random(f"{sse} {is_reset}")
    cursor = daemon.subscribe(sse=False).headers["tracking-cursor"]
    events = []
    with FaultProxy(daemon.port) as proxy:
        proxy.is_reset = is_reset
        send(daemon, 0, EVENTS)
        # From cuts in the head to such after a few chunks of 16 KiB; of a chunk that is cut our reader takes nothing.
        proxy.server_to_client.cut_after = lambda: chance.choice([chance.randint(1, 600), chance.randint(600, 60_000)])
        while len(events) < EVENTS:
            try:
                stream = Stream(proxy.url, f"since={cursor}", sse=sse)
            except (AssertionError, OSError):  # cut before the head was there
                continue
            with stream:
                while True:
                    try:
                        event = stream.next_event(5)
                    except (AssertionError, OSError, ValueError):
                        break
                    if event is None:
                        break
                    events.append(event)
                    cursor = event["_cursor" if sse else "cursor"]
                    if len(events) == EVENTS:
                        break
        assert proxy.cuts > 3
    check(events, list(range(EVENTS)))


@pytest.mark.parametrize("fault", ["cut", "reset", "one byte at a time", "delay"])
def test_the_cli_goes_on_after_every_cut(fault):
    chance = random.Random(fault)
    count = 120 if fault == "one byte at a time" else EVENTS
    with Daemon() as daemon, FaultProxy(daemon.port) as proxy:
        way = proxy.server_to_client
        if fault == "one byte at a time":
            way.piece_bytes = 1
        elif fault == "delay":
            way.delay = 0.02
        else:
            way.cut_after = lambda: chance.randint(400, 30_000)
            proxy.is_reset = fault == "reset"
        cli = subprocess.Popen([program("tracking-cli"), "subscribe", "-u", proxy.url, "--since", "all", "-o", "json",
                                "--count", str(count), "--for", f"{int(seconds(60))}s"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(cli.stdout))
        reader.start()
        errors = threading.Thread(target=cli.stderr.read)
        errors.start()
        try:
            for first in range(0, count, 60):
                send(daemon, first, 60)
                wait_until(lambda: len(lines) > first, 30, "some of them")  # noqa: B023 - called at once
            assert cli.wait(seconds(60)) == 0
        finally:
            cli.kill()
            cli.wait()
            reader.join()
            errors.join()
            cli.stdout.close()
            cli.stderr.close()
        check([json.loads(line) for line in lines], list(range(count)))
        assert fault in ("one byte at a time", "delay") or proxy.cuts > 3


def test_a_link_that_says_nothing_any_more_is_left(daemon):
    """Half-open: the client hears nothing, not even heartbeats, and connects again by itself."""
    with FaultProxy(daemon.port) as proxy:
        cli = subprocess.Popen([program("tracking-cli"), "subscribe", "-u", f"{proxy.url}?idle_timeout=1s", "-o", "json",
                                "--count", "2", "--for", f"{int(seconds(30))}s"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())
        try:
            wait_until(lambda: daemon.metrics()["tracking_subscribers"] >= 1, what="the subscription")
            send(daemon, 7000, 1)
            first = json.loads(cli.stdout.readline())
            proxy.server_to_client.is_silent = True
            send(daemon, 7001, 1)
            wait_until(lambda: proxy.connections >= 2, 15, "another connection")
            proxy.server_to_client.is_silent = False
            assert [first["data"], json.loads(cli.stdout.readline())["data"]] == [7000, 7001]
            assert cli.wait(seconds(10)) == 0
        finally:
            cli.kill()
            cli.wait()
            cli.stdout.close()
