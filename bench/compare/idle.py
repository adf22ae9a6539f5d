"""What tracking-httpd takes while nothing happens: its start, its memory, and that of subscribers; and the size of its program."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.parse

from contestants import Tracking
from statistics_of import summary

STARTS = 11
SUBSCRIBERS = 2000
EMBEDDED = {"memory:": ("memory:", "memory:?active=1"), "file: and sqlite:": ("file:events", "sqlite:accounts.db")}


def measure_idle(field):
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
            | {f"private memory for each of {SUBSCRIBERS} idle SSE subscribers, KiB": summary([subscriber_kib(field)]),
               "program without symbols, MiB": summary([stripped_bytes(field.program("tracking-httpd")) / 2**20])})


def stripped_bytes(program):
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "program"
        subprocess.run(["strip", "-o", stripped, program], check=True)
        return stripped.stat().st_size


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
