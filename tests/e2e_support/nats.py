"""A real nats-server, and a NATS client of a few lines that is none of ours."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from .http import request
from .ports import free_port
from .waiting import seconds, wait_until

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class NatsServer:
    """On a free port that stays the same over restarts, in a folder that is removed afterwards.

    `config` is put into its configuration file: 'max_payload: 8KB'. With `jetstream` its store survives restarts.
    """

    def __init__(self, config="", jetstream=False, start=True):
        self.port = free_port()
        self.config = config
        self.jetstream = jetstream
        self.folder = tempfile.mkdtemp(prefix="tracking-nats-")
        self.process = None
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def url(self, user="", scheme="nats"):
        """"nats://127.0.0.1:4222"; `user` is put before the host: "name:password@"."""
        return f"{scheme}://{user}127.0.0.1:{self.port}"

    def start(self, config=None):
        """Starts it and waits until it takes connections."""
        self.kill()
        self._write_config(config)
        with open(self._path("nats.log"), "ab") as log:
            # The server dies with us, so that none is left behind.
            self.process = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
                ["nats-server", "-c", self._path("nats.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_die_with_parent)
        try:
            wait_until(self._is_listening, 20.0, "nats-server listening")
        except BaseException:
            self.close()
            raise

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write_config(self, config):
        if config is not None:
            self.config = config
        with open(self._path("nats.conf"), "w", encoding="utf-8") as file:
            file.write(f'listen: "127.0.0.1:{self.port}"\n')
            if self.jetstream:
                file.write(f'jetstream {{ store_dir: "{self._path("jetstream")}" }}\n')
            file.write(self.config + "\n")

    def _is_listening(self):
        if self.process.poll() is not None:
            raise AssertionError(f"nats-server ended with {self.process.returncode}:\n{self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def reload(self, config):
        """Has it read another configuration."""
        self._write_config(config)
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(seconds(20))
            self.process = None

    def freeze(self):
        """Connections stay, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)  # its threads stop one after the other

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def log(self):
        with open(self._path("nats.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, **options):
        return NatsClient(self.port, **options)


class MonitoredNatsServer(NatsServer):
    """One that tells about itself (docs.nats.io/running-a-nats-service/nats_admin/monitoring)."""

    def __init__(self, **options):
        self.monitor = free_port()
        super().__init__(config=f'http: "127.0.0.1:{self.monitor}"', **options)

    def ask(self, path):
        return request("GET", f"http://127.0.0.1:{self.monitor}{path}").json()

    def received(self):
        """How many messages, since its start."""
        return self.ask("/varz")["in_msgs"]

    def subscribers(self, subject):
        """The numbers of the connections that are subscribed to it. A later connection has a higher number."""
        return {connection["cid"] for connection in self.ask("/connz?subs=1")["connections"]
                if subject in connection.get("subscriptions_list", ())}


class NatsClient:
    """Speaks the NATS protocol (docs.nats.io/reference/reference-protocols/nats-protocol) over a socket."""

    def __init__(self, port, timeout=10.0, connect="{}"):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds(timeout))
        self.file = self.socket.makefile("rb")
        self.info = self._line()
        self.subscriptions = 0
        self.messages = []
        self.send(f"CONNECT {connect}\r\n".encode())
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _line(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the NATS server closed the connection")
        return line.rstrip(b"\r\n")

    def publish(self, subject, payload=b""):
        payload = payload.encode() if isinstance(payload, str) else payload
        self.send(f"PUB {subject} {len(payload)}\r\n".encode() + payload + b"\r\n")

    def subscribe(self, subject):
        """Live when it returns."""
        self.subscriptions += 1
        self.send(f"SUB {subject} {self.subscriptions}\r\n".encode())
        self.flush()

    def flush(self):
        """Returns when the server has read all that was sent."""
        self.send(b"PING\r\n")
        while not self._read_one() == b"PONG":
            pass

    def _read_one(self):
        """Reads one operation; messages are kept, pings answered, errors raised."""
        words = self._line().split(b" ")
        if words[0] == b"MSG":
            payload = self.file.read(int(words[-1]) + 2)[:-2]
            self.messages.append((words[1].decode(), payload))
        elif words[0] == b"PING":
            self.send(b"PONG\r\n")
        elif words[0] == b"-ERR":
            raise ConnectionError(b" ".join(words).decode())
        return words[0]

    def next_message(self):
        """The next (subject, payload)."""
        while not self.messages:
            self._read_one()
        return self.messages.pop(0)
