#!/usr/bin/env python3
"""From a POST to subscribers of the stream: latency, fan-out and memory, beside a bare relay (bench/peers/sockets).

    bench/compare/subscribers.py build/release [--rounds 9] [--seconds 2] [--only latency] [--json FILE]

tracking-httpd (`memory:`, one loop) has one core, tracking-cli bench, which posts and subscribes, the other. In its place the relay
is measured in turns: a loop of epoll, recv and send, which parses, checks and keeps nothing, and sends the same bytes to the
same readers. What it takes is the machine's and the generator's share.

latency: 20,000 events a second on schedule to one subscriber: from when an event was due to be posted until the subscriber had it.
fan-out: 5 events a second to 10,000 subscribers: until the last of them had it. Each must get every event.
memory:  what the daemon's private memory grows by with 10,000 subscribers, before and after they were sent something.

Printed are medians with the least and the most, and in how many rounds the goals held.
"""

import argparse
import json
import pathlib
import statistics
import sys

from contestants import Field
from idle import measure_subscribers, raise_descriptor_limit
from run import generate

GOALS_US = {"p50": 150, "p99": 1_000, "p99.9": 5_000}
GOAL_RATIO = 1.2
GOAL_KIB = 8
PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")


def shown(values, digits=0):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def load(contestant, field, rate, connections, subscribers, seconds):
    """One run of the generator; what it saw, and what the server spent. Whatever was not delivered is an error."""
    flags = ["-c", str(connections), "--rate", str(rate), "--subscribers", str(subscribers)]
    seen, spent = generate(contestant, field, flags, seconds, warm_up="500ms")
    if seen["undelivered"] or seen["gaps"]:
        raise RuntimeError(f"{contestant.name}: {seen['undelivered']} events were not delivered, {seen['gaps']} gaps")
    return seen | {"server_cpu_us": spent / seen["delivered"] * 1e6}


def in_turns(field, options, run):
    """{name: [what `run` saw in each round]}, forth in one round and back in the next."""
    contestants = [field.start("relay"), field.start("memory")]
    found = {one.name: [] for one in contestants}
    try:
        for number in range(-1, options.rounds):  # round -1 warms
            for one in contestants if number % 2 == 0 else reversed(contestants):
                seen = run(one)
                if number >= 0:
                    found[one.name].append(seen)
            print(f"\rround {number + 1} of {options.rounds}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    finally:
        for one in contestants:
            one.stop()
    return found


def measure_latency(field, options):
    runs = in_turns(field, options, lambda one: load(one, field, options.rate, 16, 1, options.seconds))
    print(f"latency: {options.rate:,} events a second to one subscriber, µs from due to delivered")
    for name, seen in runs.items():
        print(f"  {name}: " + ", ".join(f"{key} {shown([run['delivery_us'][key] for run in seen])}" for key in PERCENTILES)
              + f"; not sent in time: {sum(run['unsent'] for run in seen)}; the generator was busy "
              f"{statistics.median(run['cpu_busy'] for run in seen):.0%}")
    for key, goal in GOALS_US.items():
        held = sum(run["delivery_us"][key] <= goal for run in runs["memory"])
        print(f"  {key} at most {goal:,} µs: held in {held} of {options.rounds} rounds")
    held = sum(all(run["delivery_us"][key] <= goal for key, goal in GOALS_US.items()) for run in runs["memory"])
    print(f"  all three: held in {held} of {options.rounds} rounds")
    return runs


def measure_fan_out(field, options):
    runs = in_turns(field, options, lambda one: load(one, field, 5, 8, options.subscribers, options.seconds))
    print(f"fan-out: 5 events a second to {options.subscribers:,} subscribers, ms from due until the last had it")
    for name, seen in runs.items():
        print(f"  {name}: " + ", ".join(f"{key} {shown([run['last_delivery_us'][key] / 1000 for run in seen], 1)}"
                                        for key in ("p50", "max"))
              + f"; server CPU a delivery {shown([run['server_cpu_us'] for run in seen], 2)} µs; "
              f"{sum(run['delivered'] for run in seen):,} deliveries, none missing")
    ratios = [ours["last_delivery_us"]["p50"] / theirs["last_delivery_us"]["p50"]
              for ours, theirs in zip(runs["memory"], runs["relay"])]
    print(f"  ratio of the medians within a round: {shown(ratios, 3)}; at most {GOAL_RATIO} in "
          f"{sum(ratio <= GOAL_RATIO for ratio in ratios)} of {options.rounds} rounds")
    return runs


def measure_memory(field, options):
    found = measure_subscribers(field, options.subscribers)
    print(f"memory for each of {options.subscribers:,} subscribers (at most {GOAL_KIB} KiB): "
          + ", ".join(f"{value:.2f} KiB {name}" for name, value in found.items()))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measures = {"latency": measure_latency, "fan-out": measure_fan_out, "memory": measure_memory}
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--only", action="append", choices=measures, help="may be repeated; default: all")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rate", type=int, default=20_000, help="events a second, for the latency")
    parser.add_argument("--subscribers", type=int, default=10_000, help="for the fan-out and the memory")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--json", help="write all samples there")
    options = parser.parse_args()
    raise_descriptor_limit()
    field = Field(options.build, options.server_core, options.load_core)
    report = {name: measures[name](field, options) for name in options.only or measures}
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
