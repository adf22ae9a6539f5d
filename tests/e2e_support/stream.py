"""Reads `GET /v1/events`, as SSE or NDJSON."""

import json
import time
import urllib.parse

from .raw import RawConnection
from .waiting import seconds


class Stream:
    """An open stream. Events come as dictionaries; for SSE with `_cursor` (the frame's id), for NDJSON with `cursor`.

        with daemon.subscribe("account_id=1&since=all") as stream:
            assert stream.next_event()["data"] == "foo"
    """

    def __init__(self, url, query="", sse=True, headers=None, timeout=10.0, receive_buffer=None):
        parts = urllib.parse.urlsplit(url)
        self.is_sse = sse
        self.timeout = timeout
        self.connection = RawConnection(parts.port, parts.hostname, timeout, receive_buffer)
        self.pending = b""
        self.is_at_end = False
        self.last_id = None
        lines = [f"GET /v1/events{'?' + query if query else ''} HTTP/1.1", f"Host: {parts.netloc}",
                 f"Accept: {'text/event-stream' if sse else 'application/x-ndjson'}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.connection.send("\r\n".join(lines) + "\r\n\r\n")
        self.status, self.headers = self.connection.read_head()
        self.is_chunked = self.headers.get("transfer-encoding") == "chunked"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def read_body(self):
        """The whole body of an answer that is no stream (a problem), or the rest of one that ends."""
        if "content-length" in self.headers:
            return self.connection.read_exactly(int(self.headers["content-length"]))
        while self._read_piece():
            pass
        return self.pending

    def _read_piece(self):
        if self.is_at_end:
            return False
        if self.is_chunked:
            try:
                piece = self.connection.read_chunk()
            except AssertionError:
                piece = b""
        else:
            piece = b"" if not (self.connection.buffer or self.connection.read_more()) else self.connection.buffer
            self.connection.buffer = b""
        self.is_at_end = not piece
        self.pending += piece
        return bool(piece)

    def _take(self, marker, deadline):
        while marker not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing came on the stream in time")
            self.connection.timeout = left / seconds(1)
            if not self._read_piece():
                return None
        frame, self.pending = self.pending.split(marker, 1)
        return frame

    def next_frame(self, timeout=None):
        """The next SSE frame as a dictionary of its fields (`comment` for a comment), or None at the end."""
        frame = self._take(b"\n\n", time.monotonic() + seconds(self.timeout if timeout is None else timeout))
        if frame is None:
            return None
        fields = {}
        for line in frame.decode("utf-8").split("\n"):
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            name = name or "comment"
            fields[name] = fields[name] + "\n" + value if name in fields else value
        if "id" in fields:
            self.last_id = fields["id"]
        return fields

    def next_line(self, timeout=None):
        """The next line of NDJSON without its end (empty: heartbeat), or None at the end."""
        return self._take(b"\n", time.monotonic() + seconds(self.timeout if timeout is None else timeout))

    def next_raw(self, timeout=None):
        """The next event's or gap's JSON text with its cursor: (cursor, text), or None at the end."""
        deadline = time.monotonic() + seconds(self.timeout if timeout is None else timeout)
        while True:
            left = max(0.0, deadline - time.monotonic()) / seconds(1)
            if self.is_sse:
                fields = self.next_frame(left)
                if fields is None:
                    return None
                if "data" in fields:
                    return fields.get("id"), fields["data"]
            else:
                line = self.next_line(left)
                if line is None:
                    return None
                if line:
                    return json.loads(line).get("cursor"), line.decode("utf-8")

    def next_event(self, timeout=None):
        """The next event or gap (a gap is `{"gap": {...}}`), or None at the end. Raises TimeoutError."""
        raw = self.next_raw(timeout)
        if raw is None:
            return None
        event = json.loads(raw[1])
        if self.is_sse:
            event["_cursor"] = raw[0]
            if "gap" not in event and set(event) <= {"reason", "missed", "account_id", "_cursor"}:
                event = {"gap": event}
        return event

    def next_events(self, count, timeout=None):
        """The next `count` events and gaps."""
        return [self.next_event(timeout) for _ in range(count)]
