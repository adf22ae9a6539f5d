"""A thousand subscribers that never read (fault 22)."""

import concurrent.futures
import json
import resource
import time

from e2e_support import Daemon, seconds
from server_support import event

SUBSCRIBERS = 1000
SUBSCRIBER_MEMORY_MIB = 64
EVENT_BYTES = 8000
ROUNDS = 400
# 48 KB at a time fit the 64 KiB that a thousand subscribers have each; 19 MB in all are far more than a stalled one's
# buffer and its socket hold.
ROUND_EVENTS = 6


def batch(value):
    return b"[" + b",".join([event(value)] * ROUND_EVENTS) + b"]"


def read_all(stream, last):
    """Numbers of events, and what gaps say was missed, up to the event with data `last`."""
    received, missed, reasons = 0, 0, set()
    while True:
        delivered = stream.next_event(60)
        if "gap" in delivered:
            missed += delivered["gap"]["missed"]
            reasons.add(delivered["gap"]["reason"])
        elif delivered["data"] == last:
            return received, missed, reasons
        else:
            received += 1


def test_a_thousand_subscribers_that_never_read():
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    memory = SUBSCRIBER_MEMORY_MIB << 20
    with Daemon("--subscriber-memory", f"{SUBSCRIBER_MEMORY_MIB}MiB", broker="memory:?history=16MiB") as daemon:
        value = "x" * EVENT_BYTES
        for _ in range(450):  # the history is full, and so takes no more from here on
            assert daemon.post(body=batch(value), headers={"Content-Type": "application/json"}).status == 202
        stalled = [daemon.subscribe(receive_buffer=4096, timeout=60) for _ in range(SUBSCRIBERS)]
        before = daemon.private_bytes()
        highest, delays = before, []
        with daemon.subscribe() as healthy, daemon.connect(timeout=60) as writer:
            for _ in range(ROUNDS):
                body = batch(value)
                started = time.monotonic()
                writer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                assert writer.read_answer().json()["accepted"] == ROUND_EVENTS
                assert all("gap" not in delivered for delivered in healthy.next_events(ROUND_EVENTS))
                delays.append(time.monotonic() - started)
                highest = max(highest, daemon.private_bytes())
        assert max(delays) < seconds(1), sorted(delays)[-5:]
        assert highest - before < 1.1 * memory, (highest - before) / (1 << 20)

        # Who comes back is told how many it missed.
        assert daemon.post({"account_id": 3, "data": "last"}).status == 202
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for received, missed, reasons in pool.map(lambda stream: read_all(stream, "last"), stalled[::50]):
                assert reasons == {"slow-subscriber"}
                assert received + missed == ROUNDS * ROUND_EVENTS
        for stream in stalled:
            stream.close()
        assert json.loads(daemon.admin("GET", "/v1/ledger").text)["in_flight"] == 0
