#!/usr/bin/env python3
"""How long an answer takes at the same rate, over NATS: tracking-httpd beside the Go service (bench/peers/go).

    bench/compare/paced.py build/release [--rounds 15] [--seconds 2] [--rate 20000 --rate 30000] [--json FILE]

Single events on schedule (open loop, 64 connections), latency from the time at which each was due. Pinned as by run.py. Each round
measures both, in an order that alternates. Printed are medians with their 95 % intervals, and in how many rounds p99 of
tracking-httpd was below the other's. A rate that one of them did not carry is told: its latency is then that of a queue.
"""

import argparse
import json
import pathlib
import sys

from contestants import Field
from run import load_whole, machine, revision, shown
from statistics_of import summary

RATES = (20_000, 30_000)
CARRIED = 0.99


def measure(rate, contestants, field, options):
    runs = {one.name: [] for one in contestants}
    for number in range(-1, options.rounds):  # round -1 warms
        for one in contestants if number % 2 == 0 else reversed(contestants):
            sample = load_whole(one, field, ["-c", "64", "--rate", str(rate)], options.seconds if number >= 0 else 0.5)
            if number >= 0:
                runs[one.name].append(sample)
        print(f"\r{rate:,} events a second: round {number + 1} of {options.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return runs


def times(value):
    return f"{value['median']:,.0f} ({value['low']:,.0f}–{value['high']:,.0f})"


def table(rate, runs):
    rows = [f"**{rate:,} single events a second over NATS, 64 connections**", "",
            "| server | p50, µs | p99, µs | p99.9, µs | CPU an event, µs |", "|---|---|---|---|---|"]
    for name, samples in runs.items():
        seen = {key: summary([sample[key] for sample in samples]) for key in samples[0]}
        columns = [times(seen[key]) for key in ("p50_us", "p99_us", "p99.9_us")]
        rows.append(f"| {name} | {' | '.join(columns)} | {shown(seen['cpu_us'])} |")
        short = sum(sample["events_per_second"] < CARRIED * rate for sample in samples)
        if short:
            rows.append(f"\n{name} did not carry this rate in {short} of {len(samples)} rounds.")
    ours, theirs = runs.values()
    below = sum(one["p99_us"] < other["p99_us"] for one, other in zip(ours, theirs))
    ratio = summary([one["p99_us"] / other["p99_us"] for one, other in zip(ours, theirs)])
    return "\n".join([*rows, "", f"p99 of {' to that of '.join(runs)}: {shown(ratio)}; below it in {below} of {len(ours)} rounds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rate", type=int, action="append", help="events a second; may be repeated; default: 20000 and 30000")
    parser.add_argument("--beside", choices=Field.names, default="go-nats", help="whom tracking-httpd is measured beside")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--json", help="write all samples there")
    options = parser.parse_args()
    field = Field(options.build, options.server_core, options.load_core)
    report = {"command": " ".join(sys.argv), "machine": machine(), "revision": revision(), "rates": {}}
    contestants = []
    try:
        for name in ("nats", options.beside):
            contestants.append(field.start(name))
        print(f"{report['machine']}; revision {report['revision']}; {options.rounds} rounds of {options.seconds:g} s\n")
        for rate in options.rate or RATES:
            report["rates"][rate] = measure(rate, contestants, field, options)
            print(table(rate, report["rates"][rate]) + "\n", flush=True)
    finally:
        for one in contestants:
            one.stop()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
