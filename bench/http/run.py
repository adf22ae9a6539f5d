#!/usr/bin/env python3
"""Measures tracking-httpd beside nginx: CPU of the server for each event, in alternating pairs.

    bench/http/run.py build/release/bin/tracking-httpd [--pairs 15] [--seconds 4] [--json FILE]

The server is pinned to one core and wrk to another. A server's time is what the kernel accounts to its threads
(/proc/PID/task/TID/schedstat), so that waiting and the generator's speed do not matter; the machine should be quiet all the same,
because a busy neighbour takes the caches. nginx answers `return 202` from its event loop and reads nothing of the body.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
EVENTS_A_BODY = 1000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, limit=5.0):
    """Seconds until `url` answers."""
    started = time.monotonic()
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return time.monotonic() - started
        except OSError:
            if time.monotonic() - started > limit:
                raise
            time.sleep(0.001)


class Server:
    """A process pinned to a core."""

    def __init__(self, command, core, url, cwd):
        self.url = url
        self.process = subprocess.Popen(["taskset", "-c", str(core), *command], cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.start_seconds = wait_for(url)

    def pids(self):
        """The process and its children: nginx works in one."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            # in nanoseconds; /proc/PID/stat would count in hundredths of a second
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def private_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no RssAnon")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def tracking(program, core, folder):
    port = free_port()
    return Server([program, "--demo", "--threads", "1", "--listen", f"127.0.0.1:{port}", "--admin-listen",
                   f"127.0.0.1:{free_port()}", "--data-dir", folder], core, f"http://127.0.0.1:{port}/", folder)


def nginx(core, folder):
    port = free_port()
    config = pathlib.Path(folder) / "nginx.conf"
    config.write_text((HERE / "nginx.conf").read_text().replace("@PORT@", str(port)))
    return Server([shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", str(config)], core,
                  f"http://127.0.0.1:{port}/", folder)


def load(server, core, script, seconds, connections=64):
    """Runs wrk; CPU of the server in microseconds for each answer, and what wrk saw."""
    before = server.cpu_seconds()
    run = subprocess.run(["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
                          str(HERE / script), server.url], capture_output=True, text=True, check=True)
    spent = server.cpu_seconds() - before
    line = next(line for line in run.stdout.splitlines() if line.startswith("RESULT"))
    answers, microseconds, errors, p50, p99 = map(int, line.split()[1:])
    if errors:
        raise RuntimeError(f"{errors} answers of {server.url} were errors")
    return {"cpu_us": spent / answers * 1e6, "rate": answers / microseconds * 1e6, "p50_us": p50, "p99_us": p99}


def spread(values):
    """Median, and the interval that holds the middle 90 % of the values."""
    ordered = sorted(values)
    cut = len(ordered) // 20
    return {"median": statistics.median(ordered), "low": ordered[cut], "high": ordered[-1 - cut], "runs": len(ordered)}


def measure_pairs(program, options):
    """Alternating, so that what the machine does besides falls on both."""
    ours, theirs, ratios, rates = [], [], [], []
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        os.chmod(two, 0o755)
        servers = tracking(program, options.server_core, one), nginx(options.server_core, two)
        try:
            for server in servers:
                load(server, options.load_core, "post.lua", 1)  # warm
            for _ in range(options.pairs):
                a = load(servers[0], options.load_core, "post.lua", options.seconds)
                b = load(servers[1], options.load_core, "post.lua", options.seconds)
                ours.append(a["cpu_us"])
                theirs.append(b["cpu_us"])
                ratios.append(a["cpu_us"] / b["cpu_us"])
                rates.append(a["rate"])
        finally:
            for server in servers:
                server.stop()
    return {"tracking_cpu_us_an_event": spread(ours), "nginx_cpu_us_a_request": spread(theirs),
            "ratio": spread(ratios), "tracking_events_a_second": spread(rates)}


def measure_ndjson(program, options):
    with tempfile.TemporaryDirectory() as folder:
        server = tracking(program, options.server_core, folder)
        try:
            load(server, options.load_core, "ndjson.lua", 1, 4)
            runs = [load(server, options.load_core, "ndjson.lua", options.seconds, 4) for _ in range(5)]
        finally:
            server.stop()
    return {"ndjson_events_a_cpu_second": spread([EVENTS_A_BODY / run["cpu_us"] * 1e6 for run in runs]),
            "ndjson_events_a_second": spread([EVENTS_A_BODY * run["rate"] for run in runs])}


def measure_start(program, options):
    times, sizes = [], []
    for _ in range(11):
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            server = tracking(program, options.server_core, folder)
            wait_for(server.url + "readyz")
            times.append((time.monotonic() - started) * 1e3)
            sizes.append(server.private_bytes() / 2**20)
            server.stop()
    return {"start_to_ready_ms": spread(times), "idle_rss_anon_mib": spread(sizes)}


def measure_subscribers(program, options, count=2000):
    with tempfile.TemporaryDirectory() as folder:
        server = tracking(program, options.server_core, folder)
        sockets = []
        try:
            host, port = server.url[7:-1].split(":")
            before = server.private_bytes()
            for _ in range(count):
                reader = socket.create_connection((host, int(port)))
                reader.sendall(b"GET /v1/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n")
                assert reader.recv(4096).startswith(b"HTTP/1.1 200")
                sockets.append(reader)
            return {f"{count}_subscribers_mib": (server.private_bytes() - before) / 2**20}
        finally:
            for reader in sockets:
                reader.close()
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--json", help="write the numbers there too")
    parser.add_argument("--only", choices=["pairs", "ndjson", "start", "subscribers"])
    options = parser.parse_args()
    program = os.path.abspath(options.program)

    results = {}
    for name, measure in (("pairs", measure_pairs), ("ndjson", measure_ndjson), ("start", measure_start),
                          ("subscribers", measure_subscribers)):
        if options.only in (None, name):
            results.update(measure(program, options))
    for name, value in results.items():
        if isinstance(value, dict):
            print(f"{name:30} {value['median']:14.2f}   [{value['low']:.2f} .. {value['high']:.2f}]  "
                  f"{value['runs']} runs")
        else:
            print(f"{name:30} {value:14.2f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
