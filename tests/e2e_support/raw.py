"""Bytes over a socket, for what an HTTP client would never send."""

import socket
import struct
import time

from .http import Answer
from .waiting import seconds


class RawConnection:
    """A TCP connection. Reads have a deadline; what was read and not used yet is kept in `buffer`."""

    def __init__(self, port, host="127.0.0.1", timeout=10.0, receive_buffer=None):
        self.timeout = timeout
        self.buffer = b""
        self.is_at_end = False
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds(timeout))
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        """Sends all of it; text is sent as UTF-8."""
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def send_in_pieces(self, data, size=1):
        """Sends `size` bytes at a time, each in a packet of its own."""
        data = data.encode() if isinstance(data, str) else data
        for start in range(0, len(data), size):
            self.socket.sendall(data[start:start + size])

    def read_more(self, timeout=None):
        """Appends what arrives next to the buffer. False at the end of the stream; a reset counts as the end."""
        self.socket.settimeout(seconds(self.timeout if timeout is None else timeout))
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            self.is_at_end = True
            return False
        self.buffer += piece
        return True

    def read_until(self, marker):
        """Everything up to and including `marker`."""
        while marker not in self.buffer:
            if not self.read_more():
                raise AssertionError(f"the connection ended before {marker!r}; read: {self.buffer!r}")
        end = self.buffer.index(marker) + len(marker)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def read_exactly(self, size):
        while len(self.buffer) < size:
            if not self.read_more():
                raise AssertionError(f"the connection ended {size - len(self.buffer)} bytes early")
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read_to_end(self):
        """Everything until the other side closes."""
        while self.read_more():
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def read_head(self):
        """Status and headers (names in lower case) of the next answer."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ")
        assert version == "HTTP/1.1", lines[0]
        headers = {}
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
        return int(status), headers

    def read_chunk(self):
        """The next chunk of a chunked body; empty for the last one."""
        size = int(self.read_until(b"\r\n").split(b";")[0], 16)
        data = self.read_exactly(size)
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_answer(self, to_head=False):
        """The next whole answer. 1xx answers are given back like others; `to_head`: it has no body."""
        status, headers = self.read_head()
        body = b""
        if to_head or status in (204, 304) or 100 <= status < 200:
            pass
        elif headers.get("transfer-encoding") == "chunked":
            while chunk := self.read_chunk():
                body += chunk
        elif "content-length" in headers:
            body = self.read_exactly(int(headers["content-length"]))
        else:
            body = self.read_to_end()
        return Answer(status, headers, body)

    def is_closed_within(self, limit):
        """True if the other side closes (or resets) within `limit` seconds."""
        deadline = time.monotonic() + seconds(limit)
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                piece = self.socket.recv(65536)
                if not piece:
                    return True
                self.buffer += piece
        except ConnectionError:
            return True
        except TimeoutError:
            pass
        return False

    def half_close(self):
        """Sends FIN and goes on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()
