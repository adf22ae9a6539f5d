"""What honest clients lose beside thousands of slow ones (fault 21): heads and bodies that come a byte now and then, and
answers that nobody reads."""

import contextlib
import socket
import threading
import time
import urllib.parse

from idle import raise_descriptor_limit
from statistics_of import summary

HEADS, BODIES, READERS = 1000, 600, 400
BYTE_EVERY_SECONDS = 5.0
UNREAD_ANSWERS = 100


class SlowClients:
    """Connections that are within the server's deadlines for as long as a round lasts."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.address = (address.hostname, address.port)
        self.ending = threading.Event()

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            self.slow = [self.open(opened, b"POST / HTTP/1.1\r\nHost: bench\r\nX-Slow: ") for _ in range(HEADS)]
            body = b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 100000\r\n\r\n["
            self.slow += [self.open(opened, body) for _ in range(BODIES)]
            for _ in range(READERS):
                self.open(opened, b"GET /openapi.json HTTP/1.1\r\nHost: bench\r\n\r\n" * UNREAD_ANSWERS)
            self.connections = opened.pop_all()
        time.sleep(0.5)  # what their arrival costs is not what their presence costs
        self.thread = threading.Thread(target=self.trickle)
        self.thread.start()
        return self

    def open(self, opened, begun):
        connection = opened.enter_context(socket.create_connection(self.address))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(begun)
        return connection

    def trickle(self):
        while not self.ending.is_set():
            for connection in self.slow:
                if self.ending.wait(BYTE_EVERY_SECONDS / len(self.slow)):
                    return
                with contextlib.suppress(OSError):  # its deadline has passed
                    connection.send(b" ")

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        self.connections.close()


def measure_slow(field, load, rounds, seconds):
    """`load(contestant, seconds)` is one run of the honest clients. Each round is one run without slow clients and one beside
    them, in an order that alternates."""
    raise_descriptor_limit()
    server = field.start("memory")
    alone, beside = [], []
    try:
        load(server, 0.5)  # warms
        for number in range(rounds):
            for is_slow in (False, True) if number % 2 == 0 else (True, False):
                with SlowClients(server.url) if is_slow else contextlib.nullcontext():
                    (beside if is_slow else alone).append(load(server, seconds))
    finally:
        server.stop()
    ratios = {key: summary([slow[key] / quiet[key] for slow, quiet in zip(beside, alone)])
              for key in ("cpu_us", "events_per_second")}
    return {"CPU an event alone, µs": summary([run["cpu_us"] for run in alone]),
            f"CPU an event beside {HEADS + BODIES + READERS} slow clients, µs": summary([run["cpu_us"] for run in beside]),
            "ratio of CPU an event": ratios["cpu_us"], "ratio of events a second": ratios["events_per_second"]}
