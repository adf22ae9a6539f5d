"""Out of file descriptors (fault 19), and two servers on one port (fault 32)."""

import time

from e2e_support import Daemon, run_httpd, wait_until
from server_support import post


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_without_descriptors_open_connections_are_served_and_accepting_recovers():
    with Daemon(wrapper=("prlimit", "--nofile=128:128")) as daemon, daemon.connect() as served:
        served.send(post())
        assert served.read_answer().status == 202
        waiting = [daemon.connect() for _ in range(200)]
        wait_until(lambda: "no connections are accepted" in daemon.log, what="the warning")
        before = cpu_seconds(daemon.process.pid)
        started = time.monotonic()
        while time.monotonic() - started < 2:
            served.send(post())
            assert served.read_answer().status == 202
            time.sleep(0.01)
        assert cpu_seconds(daemon.process.pid) - before < 0.6
        for raw in waiting[:150]:
            raw.close()
        waiting[-1].send(post())
        assert waiting[-1].read_answer().status == 202
        assert daemon.log.count("no connections are accepted") <= 3


def test_a_second_server_on_the_port_is_refused_and_told_which():
    with Daemon() as daemon:
        address = f"127.0.0.1:{daemon.port}"
        second = run_httpd("--demo", "--listen", address, "--admin-listen", "127.0.0.1:0")
        assert second.returncode != 0
        assert address in second.stderr + second.stdout
        assert daemon.get("/livez").status == 200
