"""The servers that are measured: how each is built, started on loopback, watched and stopped."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent


class Unavailable(Exception):
    """A contestant that cannot be had here, and why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_quietly(command, **options):
    """Runs a build step; its output is shown only if it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise Unavailable(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


class Process:
    """A process pinned to a core. Its output goes to a file that is shown if it fails."""

    def __init__(self, command, core, folder, name):
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.name = name
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], cwd=folder, stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def wait_for(self, condition, limit=15.0):
        deadline = time.monotonic() + limit
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                lines = self.log.read_text(errors="replace").strip().splitlines()[-3:]
                self.stop()
                raise Unavailable(f"{self.name} did not get ready: " + " | ".join(lines))
            time.sleep(0.001)

    def pids(self):
        """The process and its children: nginx works in one."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def cpu_seconds(self):
        """What the kernel accounts to its threads, in nanoseconds: user and system time, waiting excluded."""
        total = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                try:
                    total += int((task / "schedstat").read_text().split()[0])
                except (FileNotFoundError, ProcessLookupError):
                    pass  # a thread that has just ended
        return total / 1e9

    def sleeps(self):
        """How often its threads have waited for something to do."""
        total = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    status = (task / "status").read_text()
                    total += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
        return total

    def private_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no RssAnon")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


def answers(url):
    def condition():
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
    return condition


def accepts_connections(port):
    def condition():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    return condition


class Contestant:
    """A server, with what it needs beside it. `url` is what the load generator posts to."""

    takes_batches = True

    def __init__(self, name, field):
        self.name = name
        self.field = field  # Field: cores, folder, programs
        self.folder = tempfile.mkdtemp(prefix=f"tracking-compare-{name}-")
        self.helpers = []
        self.server = None
        self.url = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def launch(self, command, url, ready):
        self.url = url
        self.server = Process(command, self.field.server_core, self.folder, self.name)
        self.server.wait_for(answers(ready))

    def nats(self, *flags):
        program = shutil.which("nats-server") or "/usr/sbin/nats-server"
        if not os.path.exists(program):
            raise Unavailable("nats-server is not installed")
        port = free_port()
        helper = Process([program, "-a", "127.0.0.1", "-p", port, *flags], self.field.load_core, self.folder, "nats-server")
        self.helpers.append(helper)
        helper.wait_for(accepts_connections(port))
        helper.address = f"127.0.0.1:{port}"
        return helper.address

    def stop(self):
        for process in [self.server, *self.helpers]:
            if process is not None:
                process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Tracking(Contestant):
    """tracking-httpd, one loop, over a broker."""

    def __init__(self, name, field, program, broker, accounts="memory:?active=1,3,4&inactive=2"):
        self.program, self.broker, self.accounts = program, broker, accounts
        super().__init__(name, field)

    def start(self):
        broker = self.broker
        if broker == "nats":
            broker = "nats://" + self.nats()
        elif broker == "jetstream":
            broker = "jetstream://" + self.nats("-js", "-sd", os.path.join(self.folder, "jetstream"))
        port = free_port()
        url = f"http://127.0.0.1:{port}/"
        loops = [] if self.field.is_shared else ["--threads", "1"]
        self.launch([self.program, "--accounts", self.accounts, "--broker", broker, *loops,
                     "--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{free_port()}", "--data-dir",
                     self.folder], url, url + "readyz")


class Nginx(Contestant):
    """What an answer costs when nothing is done for it: `return 202`, one worker, no log."""

    def start(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(program):
            raise Unavailable("nginx is not installed")
        os.chmod(self.folder, 0o755)
        port = free_port()
        config = pathlib.Path(self.folder) / "nginx.conf"
        config.write_text((HERE / "nginx.conf").read_text().replace("@PORT@", str(port)))
        url = f"http://127.0.0.1:{port}/"
        self.launch([program, "-p", self.folder, "-c", config], url, url)


class Go(Contestant):
    """The usual Go service (bench/peers/go), on one core."""

    takes_batches = False

    def __init__(self, name, field, program, has_nats):
        self.program, self.has_nats = program, has_nats
        super().__init__(name, field)

    def start(self):
        port = free_port()
        flags = ["-nats", "nats://" + self.nats()] if self.has_nats else []
        self.launch([self.program, "-listen", f"127.0.0.1:{port}", *flags], f"http://127.0.0.1:{port}/",
                    f"http://127.0.0.1:{port}/readyz")


class Relay(Contestant):
    """What is posted, sent to each subscriber by a loop of `send` and nothing else (bench/peers/sockets)."""

    def __init__(self, name, field, program):
        self.program = program
        super().__init__(name, field)

    def start(self):
        port = free_port()
        url = f"http://127.0.0.1:{port}/"
        self.launch([self.program, port], url, url + "readyz")


class Field:
    """Everything that contestants are made from."""

    names = ("memory", "file", "nats", "jetstream", "base", "nginx", "go", "go-nats")

    def __init__(self, build, server_core, load_core, base=None, is_shared=False):
        self.build = pathlib.Path(build).resolve()
        self.is_shared = is_shared  # nothing is pinned, and tracking-httpd has as many loops as it takes by itself
        self.server_core, self.load_core = (f"0-{os.cpu_count() - 1}",) * 2 if is_shared else (server_core, load_core)
        self.base = base
        self.made = self.build / "compare"  # what is built for comparing only
        self._peer = None

    def program(self, name):
        path = self.build / "bin" / name
        if not path.is_file():
            raise Unavailable(f"{path} is not built")
        return path

    def start(self, name):
        if name == "relay":
            return Relay(name, self, self.relay_peer())
        if name == "nginx":
            return Nginx(name, self)
        if name in ("go", "go-nats"):
            return Go(name, self, self.go_peer(), name == "go-nats")
        if name == "base":
            return Tracking(name, self, self.base_program(), "memory:")
        broker = {"memory": "memory:", "file": "file:events"}.get(name, name)
        return Tracking(name, self, self.program("tracking-httpd"), broker)

    def go_peer(self):
        if self._peer is None:
            if not shutil.which("go"):
                raise Unavailable("go is not installed")
            self.made.mkdir(exist_ok=True)
            run_quietly(["go", "build", "-buildvcs=false", "-o", self.made / "go-peer", "."], cwd=SOURCE / "bench/peers/go")
            self._peer = self.made / "go-peer"
        return self._peer

    def relay_peer(self):
        self.made.mkdir(exist_ok=True)
        program = self.made / "relay-peer"
        run_quietly(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", program, SOURCE / "bench/peers/sockets/relay.c"])
        return program

    def base_program(self):
        """tracking-httpd of another commit, built as a release beside ours; kept for the next time."""
        revision = subprocess.run(["git", "-C", SOURCE, "rev-parse", "--verify", f"{self.base}^{{commit}}"],
                                  capture_output=True, text=True, check=False).stdout.strip()
        if not revision:
            raise Unavailable(f"there is no commit {self.base}")
        folder = self.made / revision
        program = folder / "build/release/bin/tracking-httpd"
        if not program.is_file():
            print(f"building tracking-httpd of {self.base}: a few minutes", flush=True)
            folder.mkdir(parents=True, exist_ok=True)
            run_quietly(["sh", "-c", f"git -C '{SOURCE}' archive {revision} | tar -x -C '{folder}'"])
            run_quietly(["cmake", "--preset", "release"], cwd=folder)
            run_quietly(["cmake", "--build", "build/release", "--target", "tracking-httpd"], cwd=folder)
        return program
