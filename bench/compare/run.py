#!/usr/bin/env python3
"""Measures tracking-httpd beside other servers: CPU of the server for each event, in alternation.

    bench/compare/run.py build/release [--rounds 15] [--seconds 4] [--base REV] [--json FILE] [--chart FILE.svg]

Every contestant is started on loopback and pinned to one core; the load generator (tracking-cli bench), nats-server and
whatever else a contestant needs are pinned to another. In each round every contestant is measured once, forth in one
round and back in the next, so that what the machine does besides falls on all. A server's time is what the kernel accounts to
its threads, the kernel's share of the work included. Printed are medians with their 95 % intervals (of ranks, so no
distribution is assumed), and the ratios to nginx within a round.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

from chart import svg
from contestants import SOURCE, Field, Unavailable
from disk import measure_disk
from idle import measure_idle
from slow import measure_slow
from statistics_of import summary

EVENTS_A_BODY = 1000
SCENARIOS = {
    "single": ("one event a request, 64 connections", ["-c", "64"]),
    "single-256": ("one event a request, 256 connections", ["-c", "256"]),
    "ndjson": (f"NDJSON, {EVENTS_A_BODY} events a request, 4 connections",
               ["-c", "4", "--batch", str(EVENTS_A_BODY), "--format", "ndjson"]),
    "rate": ("one event a request, 5,000 events a second on schedule, 64 connections", ["-c", "64", "--rate", "5000"]),
}


def generate(contestant, field, flags, seconds, accounts="1", warm_up="0s"):
    """Runs the generator once; what it saw, and the CPU seconds that the server spent on it."""
    command = ["taskset", "-c", str(field.load_core), str(field.program("tracking-cli")), "bench", "-a", accounts, "-u",
               contestant.url, "--for", f"{round(seconds * 1000)}ms", "--warm-up", warm_up, "-o", "json", "--no-retry", *flags]
    before = contestant.server.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = contestant.server.cpu_seconds() - before
    if done.returncode != 0:
        raise RuntimeError(f"{contestant.name}: tracking-cli bench ended with {done.returncode}: "
                           f"{done.stdout[-600:]}{done.stderr[-600:]}")
    return json.loads(done.stdout), spent


def load(contestant, field, flags, seconds, accounts="1"):
    """As generate(), in the numbers that are compared."""
    sleeps = contestant.server.sleeps()
    # Without a warm-up of its own, so that server time and events are of the same stretch.
    seen, spent = generate(contestant, field, flags, seconds, accounts)
    return {"cpu_us": spent / seen["accepted"] * 1e6, "events_per_second": seen["events_per_second"],
            "p50_us": seen["latency_us"]["p50"], "p99_us": seen["latency_us"]["p99"], "p99.9_us": seen["latency_us"]["p99.9"],
            "sleeps": (contestant.server.sleeps() - sleeps) / seen["accepted"], "generator_busy": seen["cpu_busy"]}


def load_whole(*arguments, tries=3):
    """As load(); a run in which events were refused or not answered is told, and made again."""
    for left in reversed(range(tries)):
        try:
            return load(*arguments)
        except RuntimeError as error:
            if left == 0:
                raise
            print(f"\nonce more: {error}", file=sys.stderr)


def measure(scenario, contestants, field, options):
    title, flags = SCENARIOS[scenario]
    taking_part = [one for one in contestants if one.takes_batches or scenario != "ndjson"]
    if scenario == "ndjson":  # its 202 costs nginx the same whatever the body holds
        taking_part = [one for one in taking_part if one.name != "nginx"]
    runs = {one.name: [] for one in taking_part}
    failed = {}
    for number in range(-1, options.rounds):  # round -1 warms
        for one in taking_part if number % 2 == 0 else reversed(taking_part):
            try:
                sample = load(one, field, flags, options.seconds if number >= 0 else 0.5)
            except RuntimeError as error:
                failed[one.name] = str(error)
                print(f"\nleft out of {scenario}: {error}", file=sys.stderr)
                continue
            if number >= 0:
                runs[one.name].append(sample)
        taking_part = [one for one in taking_part if one.name not in failed]
        print(f"\r{scenario}: round {number + 1} of {options.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    runs = {name: samples for name, samples in runs.items() if name not in failed}
    if not runs:
        return {"title": title, "reference": None, "results": {}, "failed": failed}
    reference = "nginx" if "nginx" in runs else next(iter(runs))
    results = {}
    for name, samples in runs.items():
        results[name] = {key: summary([sample[key] for sample in samples]) for key in samples[0]}
        results[name]["ratio"] = summary([sample["cpu_us"] / other["cpu_us"]
                                          for sample, other in zip(samples, runs[reference])])
        results[name]["samples"] = samples
    return {"title": title, "reference": reference, "results": results, "failed": failed}


def shown(value, digits=3):
    """"12.4 (12.0–14.6)" """
    return f"{value['median']:.{digits}g} ({value['low']:.{digits}g}–{value['high']:.{digits}g})"


def table(scenario):
    """Markdown."""
    rows = [f"**{scenario['title']}**", "",
            f"| server | CPU an event, µs | ratio to {scenario['reference']} | million events a CPU second | events a second | "
            "p50, µs | p99, µs |", "|---|---|---|---|---|---|---|"]
    for name, result in scenario["results"].items():
        rows.append(f"| {name} | {shown(result['cpu_us'])} | {shown(result['ratio'])} | "
                    f"{1 / result['cpu_us']['median']:.3g} | {result['events_per_second']['median']:,.0f} | "
                    f"{result['p50_us']['median']:,.0f} | {result['p99_us']['median']:,.0f} |")
    return "\n".join(rows)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"


def revision():
    return subprocess.run(["git", "-C", SOURCE, "describe", "--always", "--dirty"], capture_output=True, text=True,
                          check=False).stdout.strip()


def start_all(field, options):
    """The contestants that can be had; those that were asked for by name must be."""
    names = options.only or [name for name in Field.names if name != "base" or options.base]
    started, left_out = [], {}
    for name in names:
        try:
            started.append(field.start(name))
        except Unavailable as reason:
            left_out[name] = str(reason)
            print(f"left out: {name}: {reason}", file=sys.stderr)
    return started, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="a build folder of the release preset")
    parser.add_argument("--only", action="append", choices=Field.names, help="may be repeated; default: all there are")
    parser.add_argument("--scenario", action="append", choices=[*SCENARIOS, "idle", "slow"], help="default: all")
    parser.add_argument("--base", metavar="REV", help="also tracking-httpd (memory:) of another commit")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--subscribers", type=int, default=2000, help="of the scenario idle")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    parser.add_argument("--shared", action="store_true",
                        help="nothing is pinned, and tracking-httpd has as many event loops as it takes by itself")
    parser.add_argument("--json", help="write all samples there")
    parser.add_argument("--chart", help="write the SVG chart there")
    options = parser.parse_args()
    field = Field(options.build, options.server_core, options.load_core, options.base, options.shared)

    contestants, left_out = start_all(field, options)
    report = {"command": " ".join(sys.argv), "machine": machine(), "rounds": options.rounds, "seconds": options.seconds,
              "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "load_average_before": os.getloadavg()[0],
              "left_out": left_out, "scenarios": {}}
    report["revision"] = revision()
    try:
        for scenario in options.scenario or [*SCENARIOS, "idle", "slow"]:
            if scenario in ("idle", "slow"):
                continue
            if contestants:
                report["scenarios"][scenario] = measure(scenario, contestants, field, options)
        for one in contestants:
            if one.name == "file":
                cores = os.sched_getaffinity(0) if options.shared else {options.server_core}
                report["disk"] = measure_disk(one.folder, cores)
    finally:
        for one in contestants:
            one.stop()
    if not options.scenario or "idle" in options.scenario:
        report["idle"] = measure_idle(field, options.subscribers)
    if not options.scenario or "slow" in options.scenario:
        flags = SCENARIOS["single"][1]
        report["slow"] = measure_slow(field, lambda server, seconds: load(server, field, flags, seconds), options.rounds,
                                      options.seconds)
    print(f"{report['machine']}; revision {report['revision']}; {options.rounds} rounds of {options.seconds:g} s\n")
    for scenario in report["scenarios"].values():
        print(table(scenario) + "\n")
    for name, value in report.get("disk", {}).items():
        print(f"{name}: {value:.2f}")
    for name, value in [*report.get("idle", {}).items(), *report.get("slow", {}).items()]:
        print(f"{name}: {shown(value)}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.chart and any(scenario["results"] for scenario in report["scenarios"].values()):
        pathlib.Path(options.chart).write_text(svg(report), encoding="utf-8")
    has_failed = any(scenario["failed"] for scenario in report["scenarios"].values())
    return 1 if has_failed or (options.only and left_out) else 0


if __name__ == "__main__":
    sys.exit(main())
