"""What tracking-httpd takes while nothing happens: its start, its memory, and that of subscribers."""

import contextlib
import socket
import time
import urllib.parse

from statistics_of import summary

STARTS = 11
SUBSCRIBERS = 2000


def measure_idle(field):
    times, sizes = [], []
    for _ in range(STARTS):
        started = time.monotonic()
        server = field.start("memory")  # returns when it is ready
        times.append((time.monotonic() - started) * 1e3)
        sizes.append(server.server.private_bytes() / 2**20)
        server.stop()
    return {"start to ready, ms": summary(times), "private memory at rest, MiB": summary(sizes),
            f"private memory for each of {SUBSCRIBERS} idle SSE subscribers, KiB": summary([subscriber_kib(field)])}


def subscriber_kib(field):
    server = field.start("memory")
    address = urllib.parse.urlsplit(server.url)
    try:
        with contextlib.ExitStack() as readers:
            before = server.server.private_bytes()
            for _ in range(SUBSCRIBERS):
                reader = readers.enter_context(socket.create_connection((address.hostname, address.port)))
                reader.sendall(b"GET /v1/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n")
                if not reader.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise RuntimeError("a subscriber was refused")
            return (server.server.private_bytes() - before) / 1024 / SUBSCRIBERS
    finally:
        server.stop()
