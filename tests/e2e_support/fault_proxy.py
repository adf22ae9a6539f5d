"""A TCP proxy that breaks connections in the ways in which networks do.

    with FaultProxy(daemon.port) as proxy:
        proxy.server_to_client.cut_after = 1000      # bytes of each connection, then both sides are closed
        subscribe(proxy.url)
"""

import collections
import contextlib
import select
import socket
import struct
import threading
import time

from .waiting import seconds


class Direction:
    """What is done to the bytes that go one way. May be changed at any time; applies from the next byte on."""

    def __init__(self):
        self.latency = 0.0  # seconds that everything is under way; what follows is not held up by it
        self.delay = 0.0  # seconds that each piece is held up, and all that follows
        self.piece_bytes = 65536  # 1: one byte at a time, each in a packet of its own
        self.cut_after = None  # bytes of one connection that pass; then it is cut
        self.is_silent = False  # what comes is swallowed, and nobody is told: half-open
        self.is_held = False  # what comes waits until this is over
        self.edit = None  # bytes -> bytes, for each piece as it comes: loses what a test chooses

    def next_cut(self):
        """Where the connection that begins now is cut: a number of bytes, or None."""
        return self.cut_after() if callable(self.cut_after) else self.cut_after


class Pair:
    """A connection of a client and that to the server. Closed by the last of the two threads that use it."""

    def __init__(self, client, server):
        self.sides = (client, server)
        self.is_cut = False
        self.is_forgotten = False
        self.threads = 2


class FaultProxy:
    """Listens on a free loopback port and passes connections on to `port`.

    `is_reset`: cuts are RST instead of FIN. `is_refusing`: new connections are closed at once.
    """

    def __init__(self, port):
        self.client_to_server = Direction()
        self.server_to_client = Direction()
        self.is_reset = False
        self.is_refusing = False
        self.connections = 0
        self.cuts = 0
        self._target = port
        self._lock = threading.Lock()
        self._open = set()
        self._is_closed = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def cut_all(self):
        """Ends every connection that is open now."""
        for pair in self._pairs():
            self._cut(pair)

    def forget_all(self):
        """Every connection that is open now is half-open from now on; those to come are not."""
        for pair in self._pairs():
            pair.is_forgotten = True

    def _pairs(self):
        with self._lock:
            return list(self._open)

    def _accept(self):
        while not self._is_closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=seconds(5))
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with contextlib.suppress(OSError):  # the client may be gone already
                for side in (client, server):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = Pair(client, server)
            with self._lock:
                self._open.add(pair)
                self.connections += 1
            for source, target, direction in ((client, server, self.client_to_server),
                                              (server, client, self.server_to_client)):
                threading.Thread(target=self._serve, args=(pair, source, target, direction), daemon=True).start()

    def _serve(self, pair, source, target, direction):
        try:
            self._pass(pair, source, target, direction)
        except OSError:
            self._cut(pair)
        with self._lock:
            pair.threads -= 1
            if pair.threads > 0:
                return
            self._open.discard(pair)
        for side in pair.sides:
            side.close()

    def _pass(self, pair, source, target, direction):
        left = direction.next_cut()
        for piece in self._arriving(source, direction):
            if direction.edit:
                piece = direction.edit(piece)
            while piece:
                while direction.is_held and not pair.is_cut:
                    time.sleep(0.005)
                size = min(len(piece), direction.piece_bytes)
                if left is not None:
                    size = min(size, left)
                    left -= size
                if direction.delay:
                    time.sleep(direction.delay)
                if size and not direction.is_silent and not pair.is_forgotten:
                    target.sendall(piece[:size])
                piece = piece[size:]
                if left == 0:
                    self._cut(pair)
                    return
        if not direction.is_silent and not pair.is_forgotten and not pair.is_cut:
            target.shutdown(socket.SHUT_WR)

    @staticmethod
    def _arriving(source, direction):
        """What comes, each piece when its latency is over."""
        poll = select.poll()
        poll.register(source, select.POLLIN)
        coming = collections.deque()  # pieces, and when they arrive
        while True:
            left = max(0.0, coming[0][1] - time.monotonic()) if coming else None
            if poll.poll(None if left is None else left * 1000):
                piece = source.recv(65536)
                if not piece:
                    break
                coming.append((piece, time.monotonic() + direction.latency))
            while coming and coming[0][1] <= time.monotonic():
                yield coming.popleft()[0]
        for piece, when in coming:  # it has ended; what is under way arrives
            time.sleep(max(0.0, when - time.monotonic()))
            yield piece

    def _cut(self, pair):
        with self._lock:
            if pair.is_cut:
                return
            pair.is_cut = True
            self.cuts += 1
        for side in pair.sides:
            with contextlib.suppress(OSError):
                if self.is_reset:
                    # RST is what the close sends, as soon as both threads have woken.
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RD)
                else:
                    side.shutdown(socket.SHUT_RDWR)
