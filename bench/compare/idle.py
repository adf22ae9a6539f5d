"""What tracking-httpd takes while nothing happens: its start, its memory, and that of subscribers; and the size of its program."""

import contextlib
import pathlib
import resource
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from contestants import Tracking
from statistics_of import summary

STARTS = 11
EMBEDDED = {"memory:": ("memory:", "memory:?active=1"), "file: and sqlite:": ("file:events", "sqlite:accounts.db")}


def measure_idle(field, subscribers):
    times, sizes = ({name: [] for name in EMBEDDED} for _ in range(2))
    for _ in range(STARTS):
        for name, backends in EMBEDDED.items():
            started = time.monotonic()
            server = Tracking("idle", field, field.program("tracking-httpd"), *backends)  # returns when it is ready
            times[name].append((time.monotonic() - started) * 1e3)
            sizes[name].append(server.server.private_bytes() / 2**20)
            server.stop()
    return ({f"start to ready, {name}, ms": summary(values) for name, values in times.items()}
            | {f"private memory at rest, {name}, MiB": summary(values) for name, values in sizes.items()}
            | {f"private memory for each of {subscribers:,} idle SSE subscribers, KiB":
               summary([measure_subscribers(field, subscribers)["idle"]]),
               "program without symbols, MiB": summary([stripped_bytes(field.program("tracking-httpd")) / 2**20])})


def stripped_bytes(program):
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "program"
        subprocess.run(["strip", "-o", stripped, program], check=True)
        return stripped.stat().st_size


def raise_descriptor_limit():
    """Servers that are started later inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def measure_subscribers(field, subscribers):
    """What private memory grows by, for each subscriber of the stream, in KiB."""
    raise_descriptor_limit()
    server = field.start("memory")
    address = urllib.parse.urlsplit(server.url)
    try:
        with contextlib.ExitStack() as opened:
            before = server.server.private_bytes()
            readers = [subscribe(opened, address) for _ in range(subscribers)]
            idle = server.server.private_bytes()
            post(server.url)
            for reader in readers:
                read_event(reader)
            after = server.server.private_bytes()
        return {"idle": (idle - before) / 1024 / subscribers, "after an event to each": (after - before) / 1024 / subscribers}
    finally:
        server.stop()


def subscribe(opened, address):
    reader = opened.enter_context(socket.create_connection((address.hostname, address.port)))
    reader.sendall(b"GET /v1/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n")
    if not reader.recv(4096).startswith(b"HTTP/1.1 200"):
        raise RuntimeError("a subscriber was refused")
    return reader


def post(url):
    body = b'{"account_id":1,"data":"foo"}'
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10).read()


def read_event(reader):
    reader.settimeout(10)
    received = b""
    while b"data: " not in received:
        piece = reader.recv(4096)
        if not piece:
            raise RuntimeError("a stream ended")
        received += piece
