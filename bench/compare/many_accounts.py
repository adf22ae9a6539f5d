#!/usr/bin/env python3
"""Memory of tracking-httpd over millions of accounts in a real PostgreSQL, of which one in a hundred is hot.

    bench/compare/many_accounts.py build/release [--accounts 10000000] [--seconds 60] [--rate 10000] [--tail 500]

First events of so many different accounts are sent that the cache (1,000,000 accounts) and the loop's counters are as full as
they get. Then one generator sends events of the hot accounts on schedule, and another of all the others, which are hardly ever
known, so that an account leaves the cache for each that comes. Memory is read four times a second. It is steady if the most of
the later half is not above the most of the first half. Printed are both, the hit ratio (by /metrics), what the
database was asked, and the hot accounts' latency.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))

CACHED_MAX = 1_000_000  # ServiceOptions::account_cache_max
ROWS_A_STATEMENT = 500_000
SETTINGS = {"shared_buffers": "256MB", "log_statement": "none", "max_wal_size": "4GB"}
TOLERANCE = 1.01  # memory is counted in pages


def fill(server, database, accounts):
    """A table of one's own, as the daemon finds it."""
    server.psql("CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, is_active boolean NOT NULL DEFAULT true)", database)
    for first in range(1, accounts + 1, ROWS_A_STATEMENT):
        server.psql("INSERT INTO accounts (id, name) SELECT g, 'account ' || g FROM generate_series"
                    f"({first}, {min(first + ROWS_A_STATEMENT - 1, accounts)}) g", database)
    server.psql("ANALYZE accounts", database)


def generator(daemon, accounts, seconds, *flags, **pipes):
    program = os.path.join(os.environ["TRACKING_BUILD_DIR"], "bin", "tracking-cli")
    return subprocess.Popen([program, "bench", "-u", daemon.url, "-a", accounts, "--for", f"{round(seconds * 1000)}ms", "--warm-up",
                             "0s", "-o", "json", *map(str, flags)], stdin=subprocess.DEVNULL, **pipes)


def report_of(process):
    """What it saw. Events that were refused are no failure here: a database that is busy may answer too late."""
    return json.loads(process.communicate()[0])


def warm(daemon, hot, accounts):
    """Until the cache holds all that it can, or all accounts there are. Then the hot ones, which are to be among them."""
    goal = 0.95 * min(CACHED_MAX, accounts)
    batches = ("-c", 2, "--batch", 1000, "--format", "ndjson")
    for _ in range(60):
        if daemon.metrics()["tracking_accounts_cached"] >= goal:
            break
        report_of(generator(daemon, f"1-{accounts}", 1, *batches, stdout=subprocess.PIPE))
    else:
        raise RuntimeError("the cache does not fill")
    report_of(generator(daemon, f"1-{hot}", 1, *batches, stdout=subprocess.PIPE))


def lookups(metrics):
    return {result: metrics.get(f'tracking_account_lookups_total{{result="{result}"}}', 0) for result in ("hit", "stale", "miss", "failed")}


def measure(daemon, hot, options):
    before = daemon.metrics()
    loads = [generator(daemon, f"1-{hot}", options.seconds, "-c", 64, "--rate", options.rate, stdout=subprocess.PIPE),
             generator(daemon, f"{hot + 1}-{options.accounts}", options.seconds, "-c", 16, "--rate", options.tail, stdout=subprocess.PIPE)]
    samples = []
    while all(load.poll() is None for load in loads):
        samples.append(daemon.private_bytes())
        time.sleep(0.25)
    known, tail = map(report_of, loads)
    after = daemon.metrics()
    counts = {name: count - lookups(before)[name] for name, count in lookups(after).items()}
    half = len(samples) // 2
    return {"samples": samples, "first_half": max(samples[:half]), "later_half": max(samples[half:]),
            "hit_ratio": counts["hit"] / sum(counts.values()), "lookups": counts, "cached": after["tracking_accounts_cached"],
            "queries_per_second": (after["tracking_account_queries_total"] - before["tracking_account_queries_total"]) / options.seconds,
            "refused": sum(load["requests"] - load["accepted"] for load in (known, tail)), "hot_us": known["latency_us"],
            "tail_us": tail["latency_us"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--accounts", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=10_000, help="events a second of hot accounts")
    parser.add_argument("--tail", type=int, default=500, help="events a second of the others")
    parser.add_argument("--json", help="write all samples there")
    options = parser.parse_args()
    os.environ["TRACKING_BUILD_DIR"] = str(pathlib.Path(options.build).resolve())
    from e2e_support import Daemon, Postgres  # pylint: disable=import-outside-toplevel

    hot = max(options.accounts // 100, 1)
    with Postgres(settings=SETTINGS) as server:
        database = server.new_database()
        fill(server, database, options.accounts)
        with Daemon("--threads", "1", accounts=database) as daemon:
            started = daemon.private_bytes()
            warm(daemon, hot, options.accounts)
            warmed = daemon.private_bytes()
            result = measure(daemon, hot, options)
    is_steady = result["later_half"] <= TOLERANCE * result["first_half"]
    result |= {"at_start": started, "warmed": warmed, "is_steady": is_steady}
    print(f"{options.accounts:,} accounts, {hot:,} of them hot; {options.rate:,} events a second of these, {options.tail:,} of the others\n"
          f"private memory: {started / 2**20:.1f} MiB at start, {warmed / 2**20:.1f} MiB with {result['cached']:,.0f} accounts cached; then at most "
          f"{result['first_half'] / 2**20:.1f} MiB in the first half, {result['later_half'] / 2**20:.1f} MiB in the later: "
          + ("steady" if is_steady else "not steady") + "\n"
          f"hit ratio {result['hit_ratio']:.4f} ({', '.join(f'{count:,.0f} {name}' for name, count in result['lookups'].items())}), "
          f"{result['queries_per_second']:,.0f} queries a second, {result['refused']:,} events refused\n"
          f"hot accounts: p50 {result['hot_us']['p50']:,.0f} µs, p99 {result['hot_us']['p99']:,.0f} µs; "
          f"others: p50 {result['tail_us']['p50']:,.0f} µs, p99 {result['tail_us']['p99']:,.0f} µs")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if is_steady else 1


if __name__ == "__main__":
    sys.exit(main())
