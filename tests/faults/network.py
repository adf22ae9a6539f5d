"""What networks do to a connection, by a proxy between the daemon and its server; and a visitor who notices."""

import threading
import time

from e2e_support import request, wait_until

LATENCY = 0.3  # seconds each way


def ways(proxy):
    return proxy.client_to_server, proxy.server_to_client


def cut(proxy, random):
    """Connections end at random bytes: in the greeting, in the first requests, far into what flows."""
    proxy.is_reset = random.random() < 0.5
    for way in ways(proxy):
        way.cut_after = lambda: random.choice([random.randint(1, 600), random.randint(600, 60_000)])
    proxy.cut_all()
    time.sleep(random.uniform(0.5, 1.5))


def slow(proxy, random):
    for way in ways(proxy):
        way.latency = LATENCY
    time.sleep(random.uniform(1, 2))


def dribble(proxy, random):
    """One byte in a packet."""
    for way in ways(proxy):
        way.piece_bytes = 1
    time.sleep(random.uniform(0.5, 1.5))


def hold(proxy, random):
    """Nothing passes for a while, then all of it."""
    for way in random.choice([ways(proxy), ways(proxy)[:1], ways(proxy)[1:]]):
        way.is_held = True
    time.sleep(random.uniform(0.3, 2))


def swallow(proxy, random):
    """Half-open: what comes is lost, in both directions or one, and nobody is told."""
    for way in random.choice([ways(proxy), ways(proxy)[:1], ways(proxy)[1:]]):
        way.is_silent = True
    time.sleep(random.uniform(1, 3))


LOSING = [cut, swallow]  # the link, and what is on it
DELAYING = [slow, dribble, hold]


def shuffled(faults, random):
    """All of them, in an order of their own, which is printed."""
    order = random.sample(faults, len(faults))
    print("faults:", *(fault.__name__ for fault in order))
    return order


def heal(proxy):
    """From now on the network is well. Connections of which something is lost come to an end."""
    loses = any(way.is_silent or way.cut_after for way in ways(proxy))
    for way in ways(proxy):
        way.cut_after, way.latency, way.piece_bytes = None, 0.0, 65536
        way.is_held = way.is_silent = False
    proxy.is_reset = False
    if loses:
        proxy.cut_all()


def break_and_heal(fault, proxy, random, daemon):
    """Returns how many seconds after the fault the daemon is ready."""
    fault(proxy, random)
    heal(proxy)
    begun = time.monotonic()
    wait_until(lambda: daemon.get("/readyz").status == 200, 20, "ready", pause=0.02)
    took = time.monotonic() - begun
    print(f"ready {took:.2f} s after {fault.__name__}")
    return took


class Visitor(threading.Thread):
    """Posts single events, one after the other; notes what was answered, and how long it took at most."""

    def __init__(self, url, account_id=4):
        super().__init__()
        self.url, self.account_id = url, account_id
        self.answers = {}  # how many, by status
        self.slowest = 0.0
        self.error = None
        self._is_leaving = threading.Event()

    def run(self):
        while not self._is_leaving.wait(0.02):
            begun = time.monotonic()
            event = {"account_id": self.account_id, "id": f"visitor-{sum(self.answers.values())}", "data": "hello"}
            try:
                status = request("POST", self.url, json=event, timeout=30).status
            except OSError as error:
                self.error = error
                return
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.answers[status] = self.answers.get(status, 0) + 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_leaving.set()
        self.join()
