#!/usr/bin/env python3
"""What an event costs as the work grows: CPU of tracking-httpd over `memory:` for each event, as there are more accounts,
more connections, more bytes of data.

    bench/compare/growth.py build/release [--rounds 9] [--seconds 0.5] [--series accounts|connections|data] [--json FILE]

Pinned and accounted as by run.py. Each round measures every point of a series once, forth in one round and back in the
next, and nginx, which answers `return 202`, at the same points: what grows there, too, is the kernel's. Printed are medians
with their 95 % intervals, and each point's ratio to the first within a round; a series is flat if that of no point is above 1.15.

- accounts: 1 to 100,000, at random, all of them known to a daemon of their own, whose accounts are in an SQLite file.
- connections: 1 to 256; with them, how often the server fell asleep for an event. With one it does for each.
- data: 32 bytes to 4 KiB; with them, what of the cost is of the event and what of each byte (least squares).
"""

import argparse
import json
import pathlib
import sqlite3
import sys
import time
import urllib.error
import urllib.request

from contestants import Field, Tracking, Unavailable
from run import load_whole, machine, revision, shown
from statistics_of import summary

FLAT = 1.15
ACCOUNTS = (1, 100, 10_000, 100_000)
CONNECTIONS = (1, 4, 16, 64, 256)
DATA_BYTES = (32, 256, 1024, 4096)
SINGLE = ["-c", "64"]
BATCHES = ["-c", "4", "--batch", "1000", "--format", "ndjson"]


class Point:
    """One place of a series: what is loaded there, and how."""

    def __init__(self, label, value, server, flags, accounts="1"):
        self.label, self.value, self.server, self.flags, self.accounts = label, value, server, flags, accounts
        self.samples = []


def start_with_accounts(field, count):
    """A daemon that knows accounts 1 to `count`, all of which have been used."""
    server = Tracking(f"accounts-{count}", field, field.program("tracking-httpd"), "memory:", "sqlite:accounts.db")
    try:
        with sqlite3.connect(pathlib.Path(server.folder) / "accounts.db") as accounts:
            accounts.executemany("INSERT INTO accounts (id, name) VALUES (?, 'x')", ((id,) for id in range(1, count + 1)))
        accounts.close()
        for first in range(1, count + 1, 1000):
            use(server, range(first, min(first + 1000, count + 1)))
    except BaseException:
        server.stop()
        raise
    return server


def use(server, ids):
    """An event of each account. On a busy machine the first question may take longer than the daemon waits: then again."""
    lines = "\n".join(f'{{"account_id":{id},"data":1}}' for id in ids)
    request = urllib.request.Request(server.url, lines.encode(), {"Content-Type": "application/x-ndjson"})
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read()
        if json.loads(said).get("accepted") == len(ids):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all accounts get known: {said[:300]}")
        time.sleep(0.1)


def series_of_accounts(field, servers):
    ours = []
    for count in ACCOUNTS:
        servers.append(start_with_accounts(field, count))
        ours.append((count, servers[-1]))
    yield "accounts, one event a request", [Point(f"{count:,}", count, server, SINGLE, f"1-{count}") for count, server in ours], []
    yield "accounts, NDJSON", [Point(f"{count:,}", count, server, BATCHES, f"1-{count}") for count, server in ours], []


def series_of_connections(field, servers):
    ours, nginx = servers_beside(field, servers)
    yield ("connections, one event a request", [Point(str(count), count, ours, ["-c", str(count)]) for count in CONNECTIONS],
           [Point(str(count), count, nginx, ["-c", str(count)]) for count in CONNECTIONS if nginx])


def series_of_data(field, servers):
    ours, nginx = servers_beside(field, servers)
    for name, flags, other in (("one event a request", SINGLE, nginx), ("NDJSON", BATCHES, None)):
        sized = [(size, [*flags, "--data-size", str(size)]) for size in DATA_BYTES]
        yield (f"bytes of data, {name}", [Point(f"{size:,}", size, ours, flags) for size, flags in sized],
               [Point(f"{size:,}", size, other, flags) for size, flags in sized if other])


def servers_beside(field, servers):
    """tracking-httpd, and nginx if there is one."""
    servers.append(field.start("memory"))
    ours = servers[-1]
    try:
        servers.append(field.start("nginx"))
    except Unavailable as reason:
        print(f"left out: nginx: {reason}", file=sys.stderr)
        return ours, None
    return ours, servers[-1]


SERIES = {"accounts": series_of_accounts, "connections": series_of_connections, "data": series_of_data}


def measure(title, points, field, options):
    for number in range(-1, options.rounds):  # round -1 warms
        for point in points if number % 2 == 0 else reversed(points):
            sample = load_whole(point.server, field, point.flags, options.seconds if number >= 0 else 0.3, point.accounts)
            if number >= 0:
                point.samples.append(sample)
        print(f"\r{title}: round {number + 1} of {options.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def fixed_and_per_byte(points):
    """Least squares over the medians: microseconds of an event, nanoseconds of a byte of its data."""
    known = [(point.value, summary([sample["cpu_us"] for sample in point.samples])["median"]) for point in points]
    mean_x, mean_y = (sum(column) / len(known) for column in zip(*known))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in known) / sum((x - mean_x) ** 2 for x, _ in known)
    return {"fixed, µs": mean_y - slope * mean_x, "per byte, ns": slope * 1e3}


def result(points):
    first = points[0].samples
    places = {point.label: {key: summary([sample[key] for sample in point.samples]) for key in point.samples[0]}
              | {"ratio": summary([sample["cpu_us"] / other["cpu_us"] for sample, other in zip(point.samples, first)])}
              for point in points}
    highest = max(place["ratio"]["median"] for place in places.values())
    return {"points": places, "highest_ratio": highest, "is_flat": highest <= FLAT, "fit": fixed_and_per_byte(points)}


def table(title, ours, others):
    kind = title.partition(",")[0]
    rows = [f"**{title}**", "", f"| {kind} | CPU an event, µs | ratio to the first | sleeps an event"
            + (" | nginx: µs | its ratio | its sleeps |" if others else " |"), "|---|---|---|---|" + ("---|---|---|" if others else "")]
    for label, place in ours["points"].items():
        row = f"| {label} | {shown(place['cpu_us'])} | {shown(place['ratio'])} | {place['sleeps']['median']:.2g} |"
        if others:
            other = others["points"][label]
            row += f" {shown(other['cpu_us'])} | {shown(other['ratio'])} | {other['sleeps']['median']:.2g} |"
        rows.append(row)
    verdict = f"highest ratio {ours['highest_ratio']:.3g}: " + ("flat" if ours["is_flat"] else "not flat") + f" within {FLAT}"
    if others:
        verdict += f"; nginx {others['highest_ratio']:.3g}"
    if kind == "bytes of data":
        for name, one in (("", ours), ("nginx: ", others)):
            if one:
                verdict += f"; {name}{one['fit']['fixed, µs']:.3g} µs an event and {one['fit']['per byte, ns']:.3g} ns a byte"
    return "\n".join([*rows, "", verdict])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--series", action="append", choices=SERIES, help="may be repeated; default: all")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--json", help="write all samples there")
    options = parser.parse_args()
    field = Field(options.build, options.server_core, options.load_core)
    report = {"command": " ".join(sys.argv), "machine": machine(), "revision": revision(), "rounds": options.rounds,
              "seconds": options.seconds, "series": {}}
    print(f"{report['machine']}; revision {report['revision']}; {options.rounds} rounds of {options.seconds:g} s")
    for name in options.series or SERIES:
        servers = []
        try:
            for title, ours, others in SERIES[name](field, servers):
                measure(title, [*ours, *others], field, options)
                report["series"][title] = {"tracking": result(ours), "nginx": result(others) if others else None}
                print("\n" + table(title, report["series"][title]["tracking"], report["series"][title]["nginx"]), flush=True)
        finally:
            for server in servers:
                server.stop()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
