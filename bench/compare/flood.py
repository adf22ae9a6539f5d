#!/usr/bin/env python3
"""What a flood of made-up account ids does to those who are known: their latency beside what it is without.

    bench/compare/flood.py build/release [--rounds 5] [--seconds 4] [--rate 2000]

tracking-httpd asks a real PostgreSQL for its accounts. One generator sends events of known accounts on schedule, another at the
same rate events of one unknown id, or of a million different ones. In each round both are measured, in turns. Printed are the
known accounts' latencies, the ratio of their p99 within a round, and what the flood cost: queries a second and memory.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))

KNOWN = "1-1000"
MADE_UP = {"one unknown id": "1000000", "a million different ids": "1000000-1999999"}


def generator(url, accounts, options, **pipes):
    program = os.path.join(os.environ["TRACKING_BUILD_DIR"], "bin", "tracking-cli")
    return subprocess.Popen([program, "bench", "-u", url, "-a", accounts, "-c", "16", "--rate", str(options.rate), "--for",
                             f"{options.seconds}s", "--warm-up", "0s", "-o", "json"], stdin=subprocess.DEVNULL, **pipes)


def measure(daemon, flood, options):
    queries = daemon.metrics()["tracking_account_queries_total"]
    beside = generator(daemon.url, flood, options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    known = generator(daemon.url, KNOWN, options, stdout=subprocess.PIPE)
    seen = json.loads(known.communicate()[0])
    beside.wait()
    metrics = daemon.metrics()
    return {"p50": seen["latency_us"]["p50"], "p99": seen["latency_us"]["p99"],
            "queries": (metrics["tracking_account_queries_total"] - queries) / options.seconds,
            "cached": metrics["tracking_accounts_cached"], "bytes": daemon.private_bytes()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rate", type=int, default=2000, help="events a second of each generator")
    options = parser.parse_args()
    os.environ["TRACKING_BUILD_DIR"] = os.path.abspath(options.build)
    from e2e_support import Daemon, Postgres  # pylint: disable=import-outside-toplevel

    with Postgres() as server:
        database = server.new_database()
        with Daemon(accounts=database) as daemon:
            server.psql("INSERT INTO accounts SELECT g, 'x' FROM generate_series(1, 1000) g", database)
            runs = {name: [] for name in MADE_UP}
            for number in range(-1, options.rounds):  # round -1 warms
                for name in list(MADE_UP)[:: 1 if number % 2 else -1]:
                    sample = measure(daemon, MADE_UP[name], options)
                    if number >= 0:
                        runs[name].append(sample)
    for name, samples in runs.items():
        middle = {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}
        print(f"beside {name}: p50 {middle['p50']:,.0f} µs, p99 {middle['p99']:,.0f} µs, {middle['queries']:.0f} queries a second, "
              f"{middle['cached']:,.0f} ids cached, {middle['bytes'] / 2**20:.1f} MiB private")
    ratios = sorted(many["p99"] / one["p99"] for one, many in zip(*runs.values()))
    print(f"p99 of known accounts, ratio within a round: {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
