"""Starts, watches and stops tracking-httpd."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.parse

from .http import request
from .raw import RawConnection
from .stream import Stream
from .waiting import seconds, wait_until

MEMORY_ACCOUNTS = "memory:?active=1,3,4&inactive=2"


def program(name):
    """The path of a program of this build: "tracking-httpd", "tracking-cli"."""
    build = os.environ["TRACKING_BUILD_DIR"]
    path = os.path.join(build, "bin", name)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{name} is not built in {build}")
    return path


def clean_environment(extra=None):
    """The environment without settings of tracking, so that a test sees only its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKING_")}
    environment.update(extra or {})
    return environment


def run_httpd(*flags, env=None, cwd=None, timeout=10.0, stdin=subprocess.DEVNULL):
    """Runs tracking-httpd to its end, for flags with which it ends by itself. Output is text."""
    return subprocess.run([program("tracking-httpd"), *flags], env=clean_environment(env), cwd=cwd, stdin=stdin,
                          capture_output=True, timeout=seconds(timeout), check=False, text=True, errors="surrogateescape")


class StartError(AssertionError):
    """The daemon ended, or was not ready in time."""


class Daemon:
    """A tracking-httpd of its own: free ports, an empty data directory that is removed afterwards, JSON logs.

    `flags` come last, and beat the defaults. `accounts=None` and `broker=None` leave the daemon's own defaults.
    `wait=False` returns as soon as it listens, without waiting for /readyz.
    """

    def __init__(self, *flags, accounts=MEMORY_ACCOUNTS, broker="memory:", demo=False, data_dir=None, env=None,
                 wait=True, start=True, log_format="json", wrapper=(), start_timeout=10.0):
        self._own_dir = None
        if data_dir is None:
            self._own_dir = data_dir = tempfile.mkdtemp(prefix="tracking-test-")
        self.data_dir = str(data_dir)
        self.command = [*wrapper, program("tracking-httpd"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                        "--data-dir", self.data_dir]
        if log_format:
            self.command += ["--log-format", log_format]
        if demo:
            self.command += ["--demo"]
        else:
            self.command += ["--accounts", accounts] if accounts else []
            self.command += ["--broker", broker] if broker else []
        self.command += flags
        self.env = env
        self.start_timeout = start_timeout
        self.process = None
        self.lines = []  # of stderr, without line ends
        self.output = []  # of stdout
        self.url = self.admin_url = None
        if start:
            self.start(wait)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Life

    def start(self, wait=True):
        """Starts the process and waits until it listens, and with `wait` until it is ready."""
        self.lines, self.output, self.url, self.admin_url = [], [], None, None
        self.process = subprocess.Popen(self.command, env=clean_environment(self.env), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._readers = [threading.Thread(target=self._collect, args=(pipe, into), daemon=True)
                         for pipe, into in ((self.process.stderr, self.lines), (self.process.stdout, self.output))]
        for reader in self._readers:
            reader.start()
        try:
            wait_until(self._is_listening, self.start_timeout, "listening")
            if wait:
                self.wait_ready()
        except BaseException:
            self.close()
            raise

    def _collect(self, pipe, into):
        for line in pipe:
            into.append(line.decode("utf-8", "surrogateescape").rstrip("\n"))

    def _is_listening(self):
        for record in self.records("listening"):
            self.url, self.admin_url = record["public"], record["admin"]
            return True
        if self.process.poll() is not None:
            for reader in self._readers:
                reader.join(seconds(5))
            raise StartError(f"tracking-httpd ended with {self.process.returncode}:\n" + "\n".join(self.lines))
        return False

    def wait_ready(self, limit=10.0):
        wait_until(lambda: self.get("/readyz").status == 200, limit, "ready")

    def stop(self, signal_number=signal.SIGTERM, timeout=15.0):
        """Sends the signal and returns the exit code."""
        self.process.send_signal(signal_number)
        return self.wait(timeout)

    def wait(self, timeout=15.0):
        code = self.process.wait(seconds(timeout))
        for reader in self._readers:
            reader.join(seconds(5))
        return code

    def close(self):
        """Ends the process if it still runs, and removes the data directory."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.wait()
            self.process.stdout.close()
            self.process.stderr.close()
            self.process = None
        if self._own_dir:
            shutil.rmtree(self._own_dir, ignore_errors=True)

    # What it says

    def records(self, message=None):
        """The JSON log records so far, of one message or all. Every line must be one record."""
        records = [json.loads(line) for line in list(self.lines)]
        return [record for record in records if message is None or record["message"] == message]

    @property
    def log(self):
        return "\n".join(self.lines)

    # Talking to it

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    @property
    def admin_port(self):
        return urllib.parse.urlsplit(self.admin_url).port

    def get(self, path="/", headers=None):
        return request("GET", self.url + path, headers=headers)

    def post(self, event=None, path="/v1/events", body=None, headers=None):
        """Sends `event` as JSON, or `body` as it is."""
        return request("POST", self.url + path, json=event, body=body, headers=headers)

    def admin(self, method, path, json=None, body=None, headers=None):
        return request(method, self.admin_url + path, json=json, body=body, headers=headers)

    def ledger(self):
        return self.admin("GET", "/v1/ledger").json()

    def metrics(self):
        """All samples of /metrics: {'name{label="value"}': number}."""
        samples = {}
        for line in self.admin("GET", "/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def subscribe(self, query="", sse=True, headers=None, **options):
        """An open stream; its head was received, so every later event is delivered on it."""
        return Stream(self.url, query, sse, headers, **options)

    def connect(self, **options):
        return RawConnection(self.port, **options)

    # What it uses

    def private_bytes(self):
        """RssAnon of the process."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon in /proc")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
