"""A PostgreSQL server of a test's own."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

from .ports import free_port
from .waiting import seconds, wait_until

USER = "tracking"


def _programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed: scripts/install-packages test")
    return os.path.dirname(found[-1])


def _as_server_user():
    """PostgreSQL refuses to run as root: then it runs as user postgres."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Postgres:
    """On a free loopback port, in a temporary folder, gone at the end. Everyone may connect as `tracking`, its superuser.

        with Postgres() as postgres, Daemon(accounts=postgres.url) as daemon:
            postgres.psql("UPDATE accounts SET is_active = false WHERE id = 1")
    """

    def __init__(self, start=True, settings=None, files=None):
        """`settings` of its own, and `files` to be copied into its data folder, where only it can read them."""
        self.folder = tempfile.mkdtemp(prefix="tracking-postgres-")
        self.process = None
        self.is_frozen = False
        self.databases = 0
        self.settings = settings or {}
        self.port = free_port()
        try:
            user = _as_server_user()
            if user:
                os.chown(self.folder, user["user"], user["group"])
            subprocess.run([os.path.join(_programs(), "initdb"), "--pgdata", self._data, "--username", USER, "--auth=trust",
                            "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"],
                           check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.folder,
                           timeout=seconds(120), **user)
            for name, path in (files or {}).items():
                copy = shutil.copy(path, os.path.join(self._data, name))
                os.chmod(copy, 0o600)
                if user:
                    os.chown(copy, user["user"], user["group"])
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def _data(self):
        return os.path.join(self.folder, "data")

    @property
    def url(self):
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    # Life

    def start(self, wait=True):
        """Starts it; with `wait` until it answers. All statements are in its log."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(_programs(), "postgres"), "-D", self._data, "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off",
                 "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c", "log_statement=all",
                 *[word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                **_as_server_user())
        if wait:
            wait_until(self.is_answering, 60, "PostgreSQL")

    def is_answering(self):
        if self.process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended:\n{self.log}")
        return subprocess.run([os.path.join(_programs(), "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                              check=False, timeout=seconds(10)).returncode == 0

    def stop(self):
        """At once: connections break, nothing that was committed is lost."""
        if self.process is None:
            return
        self.thaw()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
        self.process.wait(seconds(30))
        self.process = None

    def freeze(self):
        """Stops all its processes: connections are still accepted, by the kernel, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)  # first, so that no child is born meanwhile
        self._signal_children(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self):
        if self.is_frozen:
            self._signal_children(signal.SIGCONT)
            self.process.send_signal(signal.SIGCONT)
            self.is_frozen = False

    def _signal_children(self, number):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in children.read().split():
                os.kill(int(child), number)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Talking to it

    def psql(self, statements, url=None):
        """Runs statements, and returns what psql prints, unaligned and without headings."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url or self.url, "-c", statements],
                              check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds(60))
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def new_database(self):
        """Makes an empty database and returns its URL."""
        self.databases += 1
        name = f"test_{self.databases}"
        self.psql(f"CREATE DATABASE {name}")
        return self.url.rpartition("/")[0] + "/" + name
