"""What a supervisor such as systemd is told (sd_notify)."""

import os
import pathlib
import signal
import socket
import uuid

import pytest
from e2e_support import Daemon, wait_until
from e2e_support.nats import NatsServer
from e2e_support.waiting import seconds


class Supervisor:
    """Stands in for systemd: the socket that NOTIFY_SOCKET names, in the file system or in the abstract namespace."""

    def __init__(self, folder, is_abstract=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(seconds(10))
        # A path is at most 107 bytes long.
        self.name = f"@tracking-{uuid.uuid4()}" if is_abstract else str(folder / "n")
        self.socket.bind(self.name.replace("@", "\0", 1) if is_abstract else self.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def told(self):
        return self.socket.recv(4096).decode()

    def told_until(self, wanted):
        """What is told up to the first that begins so."""
        all_told = []
        while not all_told or not all_told[-1].startswith(wanted):
            all_told.append(self.told())
        return all_told

    def told_meanwhile(self, limit=0.0):
        """What was told until now, and within `limit` seconds after that."""
        all_told = []
        self.socket.settimeout(limit)
        try:
            while True:
                all_told.append(self.told())
        except (BlockingIOError, TimeoutError):
            return all_told
        finally:
            self.socket.settimeout(seconds(10))


@pytest.mark.parametrize("is_abstract", [False, True])
def test_it_is_told_when_it_is_ready_and_when_it_stops(tmp_path, is_abstract):
    with Supervisor(tmp_path, is_abstract) as supervisor, Daemon(env={"NOTIFY_SOCKET": supervisor.name}) as daemon:
        assert supervisor.told_until("READY=1")[-1] == "READY=1\nSTATUS=ready"
        assert daemon.stop() == 0
        assert supervisor.told() == "STOPPING=1"


def test_it_is_told_why_it_is_not_ready_yet(tmp_path):
    with Supervisor(tmp_path) as supervisor, NatsServer(start=False) as server, \
            Daemon(broker=server.url(), env={"NOTIFY_SOCKET": supervisor.name}, wait=False):
        assert supervisor.told_until("STATUS=not ready: broker: ")
        server.start()
        supervisor.told_until("READY=1")
        server.kill()
        assert supervisor.told_until("STATUS=not ready: broker: ")


def test_one_that_watches_hears_signs_of_life_in_time(tmp_path):
    with Supervisor(tmp_path) as supervisor, \
            Daemon(env={"NOTIFY_SOCKET": supervisor.name, "WATCHDOG_USEC": "400000"}) as daemon:
        for _ in range(4):
            supervisor.told_until("WATCHDOG=1")
        daemon.stop()
        assert "STOPPING=1" in supervisor.told_until("STOPPING=1")
        assert supervisor.told_meanwhile() == []


def test_a_process_that_does_not_run_gives_no_sign_of_life(tmp_path):
    with Supervisor(tmp_path) as supervisor, \
            Daemon(env={"NOTIFY_SOCKET": supervisor.name, "WATCHDOG_USEC": "400000"}) as daemon:
        supervisor.told_until("WATCHDOG=1")
        daemon.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(daemon.process.pid))
        supervisor.told_meanwhile()
        assert supervisor.told_meanwhile(1.0) == []
        daemon.process.send_signal(signal.SIGCONT)
        assert supervisor.told_until("WATCHDOG=1")


def is_stopped(process):
    """Its threads stop one after the other."""
    stats = (path.read_text(encoding="utf-8") for path in pathlib.Path(f"/proc/{process}/task").glob("*/stat"))
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def test_another_process_watchdog_is_none_of_its_business(tmp_path):
    environment = {"WATCHDOG_USEC": "4000", "WATCHDOG_PID": str(os.getpid())}
    with Supervisor(tmp_path) as supervisor, Daemon(env={"NOTIFY_SOCKET": supervisor.name} | environment) as daemon:
        told = supervisor.told_until("READY=1")
        daemon.stop()
        told += supervisor.told_until("STOPPING=1")
        # While it starts it may say that it is not ready yet.
        assert [one for one in told if not one.startswith("STATUS=not ready: ")] == ["READY=1\nSTATUS=ready", "STOPPING=1"]


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "/" + "x" * 300])
def test_a_socket_that_leads_nowhere_stops_nobody(name):
    with Daemon(env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000"}) as daemon:
        assert daemon.stop() == 0
