"""Clients that take their time, by the thousand (fault 21)."""

import resource
import time

from e2e_support import Daemon, wait_until
from e2e_support.waiting import seconds
from server_support import EVENT, get, post


def test_slow_clients_are_closed_at_their_deadline_and_honest_ones_are_served():
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with Daemon() as daemon, daemon.connect() as honest:
        honest.send(post())
        assert honest.read_answer().status == 202
        before = daemon.private_bytes()
        heads = [daemon.connect() for _ in range(1000)]
        bodies = [daemon.connect() for _ in range(1000)]
        started = time.monotonic()
        for raw in heads:
            raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nX-A: ")
        for raw in bodies:
            raw.send(post(b"[" + EVENT * 20, headers=["Content-Length: 1000000"], length=False))
        # Measured early: what the honest client sends in the seconds that follow goes into the broker's history.
        for _ in range(200):
            honest.send(post())
            assert honest.read_answer().status == 202
        assert daemon.private_bytes() - before < 2000 * 16 * 1024
        slowest = 0.0
        while time.monotonic() - started < seconds(8):
            at = time.monotonic()
            honest.send(post())
            assert honest.read_answer().status == 202
            slowest = max(slowest, time.monotonic() - at)
        assert slowest < seconds(2)
        # A byte now and then is no head.
        for raw in heads:
            raw.send(b"x")
        for raw in heads:
            assert raw.read_answer().problem == "request-timeout"
        assert time.monotonic() - started < seconds(15)
        for raw in heads + bodies:
            raw.close()
        wait_until(lambda: daemon.open_files() < 100, what="all closed")
        honest.send(post())
        assert honest.read_answer().status == 202
        assert daemon.ledger()["in_flight"] == 0


def test_a_connection_that_says_nothing_is_closed_silently():
    with Daemon() as daemon, daemon.connect() as raw:
        assert raw.is_closed_within(14)
        assert raw.buffer == b""


def test_answers_that_nobody_reads_take_little_of_the_kernels_memory():
    sent = "tracking_http_sent_bytes_total"
    with Daemon() as daemon, daemon.connect(receive_buffer=4096) as reader:
        before = daemon.metrics()[sent]
        reader.send(get("/openapi.json") * 200)  # 12 MB of answers; its own buffers would take 4 MB unless told otherwise
        wait_until(lambda: daemon.metrics()[sent] - before > 100_000, what="the first answers")
        for _ in range(20):
            assert daemon.get("/livez").status == 200
        assert daemon.metrics()[sent] - before < 1 << 20
        for _ in range(200):
            assert reader.read_answer().status == 200
