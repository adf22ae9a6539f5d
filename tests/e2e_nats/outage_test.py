"""A broker that is away, for a while or from the start, stands still, swallows everything, is full, or forbids: what visitors
see meanwhile, and how soon it is over. TRACKING_TEST_OUTAGE is how many seconds the long outage takes."""

import json
import os
import subprocess
import threading
import time

import pytest

from e2e_support import Daemon, FaultProxy, NatsServer, program, seconds, wait_until

SCHEMES = ["nats", "jetstream"]
LONG = float(os.environ.get("TRACKING_TEST_OUTAGE", "0"))


def server_of(scheme, **options):
    return NatsServer(jetstream=scheme == "jetstream", **options)


def track(daemon, data=1):
    return daemon.post({"account_id": 1, "data": data})


def seconds_until(condition):
    begun = time.monotonic()
    wait_until(condition, 20)
    return time.monotonic() - begun


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_killed_server_is_503_at_once_and_used_again_within_a_second(scheme):
    with server_of(scheme) as server, Daemon(broker=server.url(scheme=scheme)) as daemon, daemon.subscribe() as stream:
        took = []
        for number in range(3):
            assert track(daemon, number).status == 202
            assert stream.next_event()["data"] == number
            server.kill()
            wait_until(lambda: track(daemon).status == 503, 5, "refused")
            # And refused at once, for as long as it takes: here for longer than the longest pause between attempts.
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                begun = time.monotonic()
                answer = track(daemon)
                assert (answer.status, answer.problem) == (503, "broker-unavailable")
                assert time.monotonic() - begun < seconds(1)
            server.start()
            took.append(seconds_until(lambda: track(daemon, "back").status == 202))
            if scheme == "nats":
                assert stream.next_event()["gap"]["reason"] == "disconnected"
            wait_until(lambda: stream.next_event().get("data") == "back", 10, "the stream goes on")
        # The machine may be busy with something else; a pause of ours that was too long would be so each time.
        assert min(took) < seconds(1), took


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_comes_late_makes_the_daemon_ready_within_two_seconds(scheme):
    with server_of(scheme, start=False) as server, Daemon(broker=server.url(scheme=scheme), wait=False) as daemon:
        assert "no NATS server answers" in wait_until(lambda: daemon.get("/readyz"), 10).text
        assert track(daemon).problem == "broker-unavailable"
        assert daemon.get("/livez").status == 200
        server.start()
        daemon.wait_ready(2)
        assert track(daemon).status == 202


def test_a_network_that_swallows_everything_is_noticed_within_15_seconds():
    with server_of("jetstream") as server, FaultProxy(server.port) as proxy:
        address = f"127.0.0.1:{proxy.port}"
        with Daemon(broker=f"nats://{address}") as core, Daemon(broker=f"jetstream://{address}?ack_wait=2s") as stored:
            for daemon in (core, stored):
                assert track(daemon).status == 202
            proxy.client_to_server.is_silent = proxy.server_to_client.is_silent = True
            begun = time.monotonic()
            unnoticed = {"core": core, "stored": stored}
            while unnoticed:
                assert time.monotonic() - begun < seconds(15), f"not noticed by {list(unnoticed)}"
                for name, daemon in list(unnoticed.items()):
                    asked = time.monotonic()
                    assert daemon.get("/livez").status == 200
                    assert time.monotonic() - asked < seconds(1), "no thread of ours waits for it"
                    if track(daemon).status == 503:
                        del unnoticed[name]
            # Later the network knows nothing of the old connections, and new ones are well.
            proxy.forget_all()
            proxy.client_to_server.is_silent = proxy.server_to_client.is_silent = False
            for daemon in (core, stored):
                daemon.wait_ready(20)
                assert track(daemon).status == 202


def test_an_event_whose_acknowledgement_is_lost_is_in_doubt_and_its_repeat_doubles_nothing():
    with server_of("jetstream") as server, FaultProxy(server.port) as proxy:
        with Daemon(broker=f"jetstream://127.0.0.1:{proxy.port}?ack_wait=2s") as daemon:
            event = {"account_id": 1, "data": "once", "id": "mine"}
            assert track(daemon, "before").status == 202
            proxy.server_to_client.is_silent = True
            answer = daemon.post(event)
            assert (answer.status, answer.problem) == (504, "in-doubt")
            assert answer.json()["id"] == "mine"
            proxy.server_to_client.is_silent = False
            proxy.cut_all()
            repeat = wait_until(lambda: (answer := daemon.post(event)).status == 202 and answer, 20, "the repeat").json()
            assert repeat["duplicate"] and repeat["ack"] == "stored"
            with daemon.subscribe("since=all") as stream:
                assert [stream.next_event()["data"] for _ in range(2)] == ["before", "once"]
                track(daemon, "after")
                assert stream.next_event()["data"] == "after"
            assert daemon.metrics()['tracking_events_total{outcome="in-doubt"}'] >= 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_forbids_to_publish_is_told_once_and_tried_again(scheme):
    def config(permissions):
        return f"authorization {{ users = [ {{ user: us, password: p{permissions} }} ] }}"

    forbids = config(', permissions: { publish: { deny: ["tracking.events.*"] } }')
    with server_of(scheme, config=forbids) as server, Daemon(broker=server.url("us:p@", scheme), wait=False) as daemon:
        # It shows with the first event: over NATS that is taken, over JetStream its answer never comes.
        wait_until(lambda: track(daemon).status == (202 if scheme == "nats" else 504), 20, "the first event's answer")
        wait_until(lambda: "does not permit us to publish to tracking.events.1" in daemon.get("/readyz").text, 10, "told")
        assert track(daemon).problem == "broker-unavailable"
        server.reload(config(""))
        wait_until(lambda: track(daemon).status == 202, 20, "let in")
        daemon.wait_ready()
        # What changes a user's permissions ends the user's connections; else it is asked for every five seconds.
        assert sum("does not permit us" in line and "trying again" in line for line in daemon.lines) == 1


def outage(scheme, length):
    """A load at full rate while the server is away: flat memory, every request answered in time, few lines in the log."""
    with server_of(scheme) as server, Daemon(broker=server.url(scheme=scheme)) as daemon:
        assert track(daemon).status == 202
        server.kill()
        wait_until(lambda: track(daemon).status == 503, 5, "refused")

        def load(time_ms):
            done = subprocess.run([program("tracking-cli"), "bench", "-u", daemon.url, "-a", "1", "-c", "16", "--for",
                                   f"{time_ms}ms", "--warm-up", "0s", "-o", "json"], stdin=subprocess.DEVNULL, check=False,
                                  capture_output=True, timeout=seconds(60) + time_ms / 1000)
            return json.loads(done.stdout)

        load(500)  # buffers grow to what they need
        memory, lines = daemon.private_bytes(), len(daemon.lines)
        seen = load(round(length * 1000))
        assert seen["accepted"] == 0 and list(seen["errors"]) == ["503 broker-unavailable"], seen
        assert seen["latency_us"]["max"] < seconds(5) * 1e6
        if not os.environ.get("TRACKING_SANITIZE"):  # these keep what was freed
            assert daemon.private_bytes() - memory < 8 << 20
        assert len(daemon.lines) - lines <= 4 + length / 15, daemon.log
        server.start()
        daemon.wait_ready(5)
        assert track(daemon).status == 202


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_outage_at_full_rate_costs_neither_memory_nor_lines(scheme):
    outage(scheme, 3)


if LONG:
    def test_a_long_outage_at_full_rate_costs_neither_memory_nor_lines():
        failures = []

        def run(scheme):
            try:
                outage(scheme, LONG)
            except BaseException as error:  # pylint: disable=broad-exception-caught
                failures.append(error)

        threads = [threading.Thread(target=run, args=(scheme,)) for scheme in SCHEMES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
